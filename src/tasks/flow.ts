import { defaultSettings, type TaskSettings } from "../background/added-task.ts";
import { createJob, type Storable } from "../background/pending-job.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { AddedJob } from "./added-job.ts";
import { Call } from "./call.ts";
import { currentClient } from "./current-client.ts";
import type { JobHandle } from "./job-handle.ts";
import { checkFlow, flowToJobs } from "./flow-jobs.ts";
import { runFlow } from "./flow-run.ts";
import type { TaskRun } from "./task.ts";

/**
 * Calls of tasks that depend on each other. Made by {@link chain}, {@link group} and {@link chord}; a flow can be a part of
 * another.
 *
 * Called like a function, it runs here and now, without a broker, as a task does.
 */
export interface Flow<R = unknown> extends Storable {
  (): TaskRun<R>;
  readonly name: string;
  readonly node: FlowNode;
  /**
   * Stores all of its calls in one batch. The handle stands for the last: it has the flow's result, fails when a part
   * fails, and `cancel` cancels whatever of the flow has not ended.
   */
  enqueue(): Promise<JobHandle<R>>;
}

/** The parts of a flow. */
export interface FlowNode {
  readonly kind: "chain" | "group";
  readonly parts: readonly FlowPart[];
}

/** What a flow is made of. */
export type FlowPart = Call<unknown, never> | Flow;

/** What a part results in. */
export type ResultOf<P> = P extends Call<infer R, never> ? R : P extends Flow<infer R> ? R : never;

/** The results of parts, in their order. */
export type ResultsOf<P extends readonly unknown[]> = { -readonly [K in keyof P]: ResultOf<P[K]> };

/** The parts of a chain, of which each must take what the one before it results in. Of an array, nothing is known. */
type Linked<P extends readonly unknown[], Previous = never> = number extends P["length"]
  ? P
  : P extends readonly [infer Head, ...infer Tail]
    ? readonly [Head extends Flow ? Head : Call<ResultOf<Head>, Previous>, ...Linked<Tail, ResultOf<Head>>]
    : readonly [];

/** Parts that are none are refused here instead of by a constraint, with which a flow among the parts would lose its result. */
type Parts<P> = P extends readonly FlowPart[] ? unknown : readonly FlowPart[];

type LastOf<P extends readonly unknown[]> = number extends P["length"]
  ? unknown
  : P extends readonly [...unknown[], infer Last]
    ? ResultOf<Last>
    : never;

/**
 * One after the other: each part is run when the one before it has succeeded. `task.withResult(...)` gets that one's result
 * as its first argument, `task.call(...)` does not. When a part fails for good, those after it fail with code
 * `chord_part_failed`.
 *
 * @throws {DeclarationError} when there is no part, one is neither a call nor a flow, or the first wants a result
 *
 * @example
 * ```ts
 * import { chain, task } from "afterword";
 *
 * const resize = task("resize", async (id: string, width: number) => `${id}-${width}.jpg`);
 * const publish = task("publish", async (file: string, target: string) => `https://${target}.example/${file}`);
 *
 * const flow = chain(resize.call("u1", 300), publish.withResult("cdn"));
 * console.log(await flow()); // here and now; await flow.enqueue() stores it
 * ```
 */
export function chain<const P extends readonly FlowPart[]>(
  ...parts: P & (P extends Linked<P> ? unknown : Linked<P>)
): Flow<LastOf<P>> {
  if (parts.length === 0)
    throw new DeclarationError("chain() expects at least one call, such as task.call(…), but got none.");
  return createFlow("chain", "chain()", parts);
}

/**
 * Side by side. The result is the array of all results, in the order of the parts; when a part fails for good, the group
 * fails with code `chord_part_failed`, and the others go on.
 *
 * @throws {DeclarationError} when a part is neither a call nor a flow, or wants a result that nothing gives
 *
 * @example
 * ```ts
 * import { group, task } from "afterword";
 *
 * const resize = task("resize", async (id: string, width: number) => `${id}-${width}.jpg`);
 * const flow = group(resize.call("u1", 300), resize.call("u1", 600));
 * console.log(await flow());
 * ```
 */
export function group<const P extends readonly FlowPart[]>(parts: P): Flow<ResultsOf<P>>;
export function group<const P extends readonly FlowPart[]>(...parts: P): Flow<ResultsOf<P>>;
export function group(...parts: readonly unknown[]): Flow {
  return createFlow("group", "group()", toParts(parts));
}

/**
 * Side by side, and then `body`, once, when all have succeeded. `task.withResult(...)` as the body gets the array of all
 * results as its first argument.
 *
 * @throws {DeclarationError} when a part or the body is neither a call nor a flow
 *
 * @example
 * ```ts
 * import { chord, task } from "afterword";
 *
 * const count = task("count", async (page: string) => page.length);
 * const sum = task("sum", async (counts: number[]) => counts.reduce((a, b) => a + b, 0));
 * const flow = chord([count.call("one"), count.call("three")], sum.withResult());
 * console.log(await flow()); // 8
 * ```
 */
export function chord<const P extends readonly unknown[], R>(
  parts: P & Parts<P>,
  body: Call<R, ResultsOf<P>> | Flow<R>,
): Flow<R> {
  if (!Array.isArray(parts))
    throw new DeclarationError(`chord() expects an array of calls and a body, but got ${formatValue(parts)}.`);
  return createFlow("chain", "chord()", [createFlow("group", "chord()", parts), body as FlowPart]);
}

function toParts(parts: readonly unknown[]): readonly unknown[] {
  return parts.length === 1 && Array.isArray(parts[0]) ? parts[0] : parts;
}

const flows = new WeakSet<object>();

/** Whether a part is itself a flow. */
export function isFlow(part: unknown): part is Flow {
  return typeof part === "function" && flows.has(part);
}

function createFlow<R>(kind: FlowNode["kind"], call: string, parts: readonly unknown[]): Flow<R> {
  for (const part of parts)
    if (!(part instanceof Call) && !isFlow(part))
      throw new DeclarationError(
        `${call} expects calls such as task.call(…) or task.withResult(…), and flows, but got ${formatValue(part)}.`,
      );
  const node: FlowNode = { kind, parts: parts as readonly FlowPart[] };
  const name = `${call.slice(0, -2)}(${node.parts.map(nameOf).join(", ")})`;
  const flow = (): Promise<unknown> => runFlow(node);
  Object.defineProperty(flow, "name", { value: name });
  const create = (settings: TaskSettings, requestId: string | undefined): AddedJob => {
    const jobs = flowToJobs(node, name, settings, requestId);
    return new AddedJob(flow, [], settings, name, jobs, (client) => checkFlow(node, client.broker));
  };
  Object.assign(flow, {
    node,
    [createJob]: (_: readonly unknown[], settings: TaskSettings, requestId: string | undefined) =>
      create(settings, requestId),
    async enqueue() {
      const job = create(defaultSettings, undefined);
      await currentClient().storeJobs([job], undefined);
      return job;
    },
  });
  flows.add(flow);
  return flow as unknown as Flow<R>;
}

function nameOf(part: FlowPart): string {
  return part instanceof Call ? part.definition.name : part.name;
}
