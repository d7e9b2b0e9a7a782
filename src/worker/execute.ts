import type { CurrentTask } from "../background/current-task.ts";
import { runAsCurrent } from "../background/current-task.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import { formatDuration } from "../internal/duration.ts";
import { formatValue } from "../internal/format-value.ts";
import { isThenable, type Awaitable } from "../internal/thenable.ts";
import type { Client } from "../tasks/client.ts";
import { collect, collectName } from "../tasks/collect.ts";
import { runWithClient } from "../tasks/current-client.ts";
import type { Delivery } from "../tasks/delivery.ts";
import type { Ending } from "../tasks/ending.ts";
import { toErrorData } from "../tasks/job-error.ts";
import { resultToJson } from "../tasks/json-value.ts";
import { invalidArguments } from "../tasks/new-job.ts";
import { findTask } from "../tasks/registry.ts";
import { retryDelayMs } from "../tasks/retry.ts";
import { definitionOf, type TaskDefinition } from "../tasks/task-definition.ts";

/** Who is told of what becomes of deliveries. Must not throw. */
export interface ExecuteWatcher {
  started(delivery: Delivery): void;
  /** @param error - what was thrown, for endings that are failures */
  ended(delivery: Delivery, ending: Ending, error: unknown): void;
}

/** What executing needs of its worker. */
export interface ExecuteContext {
  /** What `enqueue` inside a job uses. */
  readonly client: Client;
  readonly watcher: ExecuteWatcher | undefined;
}

/** There is no use in another attempt after these. */
const hopeless: ReadonlySet<string> = new Set([
  "unknown_task",
  "undecodable",
  "invalid_arguments",
  "unserializable_result",
  "result_too_large",
]);

/**
 * Runs one delivery to its ending: finds the task, decodes and checks the arguments, runs the function with its
 * dependencies, encodes what it returned. Whatever goes wrong on the way is an ending as well: it never throws.
 */
export function execute(delivery: Delivery, context: ExecuteContext): Ending | Promise<Ending> {
  context.watcher?.started(delivery);
  let definition: TaskDefinition | undefined = undefined;
  try {
    definition = findDefinition(delivery.job.task);
    const known = definition;
    const args = checkArguments(known, decode(delivery));
    if (!isThenable(args)) return run(delivery, known, args as readonly unknown[], context);
    return (args as Promise<readonly unknown[]>).then(
      (checked) => run(delivery, known, checked, context),
      (error: unknown) => end(delivery, failed(delivery, known, error), context, error),
    );
  } catch (error) {
    return end(delivery, failed(delivery, definition, error), context, error);
  }
}

function findDefinition(name: string): TaskDefinition {
  const task = findTask(name);
  if (task) return definitionOf(task);
  if (name === collectName) return collect;
  throw new AfterwordError(
    "unknown_task",
    `This worker knows no task "${name}". Import the module that defines it where the worker starts, or deploy the version that has it, and retry the job.`,
  );
}

function decode({ job }: Delivery): readonly unknown[] {
  let args: unknown;
  try {
    args = JSON.parse(job.args);
  } catch (error) {
    throw new AfterwordError("undecodable", `The arguments of the job are not JSON: ${String(error)}.`, {
      cause: error,
    });
  }
  if (Array.isArray(args)) return args;
  throw new AfterwordError("undecodable", "The arguments of the job are not a JSON array.");
}

function checkArguments(definition: TaskDefinition, args: readonly unknown[]): Awaitable<readonly unknown[]> {
  const schema = definition.config.args;
  if (schema === undefined) return args;
  const result = schema["~standard"].validate(args);
  const settle = (settled: Awaited<typeof result>): readonly unknown[] => {
    if (settled.issues) throw invalidArguments(definition.name, settled.issues);
    return settled.value as readonly unknown[];
  };
  return isThenable(result)
    ? (result as Promise<Awaited<typeof result>>).then(settle)
    : settle(result as Awaited<typeof result>);
}

function run(
  delivery: Delivery,
  definition: TaskDefinition,
  args: readonly unknown[],
  context: ExecuteContext,
): Ending | Promise<Ending> {
  const { client } = context;
  let result: unknown;
  try {
    result = runWithClient(client, runAsCurrent, new RunningJob(delivery), () =>
      definition.call(args, () => delivery.signal, client.overrides),
    );
  } catch (error) {
    return end(delivery, failed(delivery, definition, error), context, error);
  }
  if (isThenable(result)) return runToEnd(delivery, definition, result, context);
  return succeed(delivery, definition, result, context);
}

function succeed(delivery: Delivery, definition: TaskDefinition, result: unknown, context: ExecuteContext): Ending {
  try {
    return end(delivery, { status: "succeeded", result: resultToJson(result, definition.name) }, context, undefined);
  } catch (error) {
    return end(delivery, failed(delivery, definition, error), context, error);
  }
}

/** Its end is what comes first: the function's, that of its time, or the wish of somebody else. */
function runToEnd(
  delivery: Delivery,
  definition: TaskDefinition,
  result: PromiseLike<unknown>,
  context: ExecuteContext,
): Promise<Ending> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let hasEnded = false;
    const settle = (make: () => Ending): void => {
      if (hasEnded) return;
      hasEnded = true;
      clearTimeout(timer);
      delivery.onAbort = undefined;
      resolve(make());
    };
    const fail = (error: unknown): Ending => end(delivery, failed(delivery, definition, error), context, error);
    const { timeoutMs } = delivery.job;
    if (timeoutMs !== undefined)
      timer = setTimeout(() => {
        const error = timeoutError(definition.name, timeoutMs);
        settle(() => fail(error));
        delivery.abortSignal(error);
      }, timeoutMs);
    delivery.onAbort = (reason) => {
      // At shutdown it may still end well; who gives it back does not wait for long.
      if (reason.code !== "shutdown") settle(() => end(delivery, aborted(reason), context, reason));
    };
    if (delivery.abortReason) delivery.onAbort(delivery.abortReason);
    // Through Promise.resolve, because a foreign `then` may call back twice, or throw.
    Promise.resolve(result).then(
      (value) => settle(() => succeed(delivery, definition, value, context)),
      (error: unknown) => settle(() => fail(error)),
    );
  });
}

function timeoutError(task: string, timeoutMs: number): AfterwordError {
  return new AfterwordError("timeout", `Task "${task}" did not end within ${formatDuration(timeoutMs)}.`);
}

/** How a delivery ends that was aborted: canceled; or, if the job is somebody else's by now, in a way that nobody will store. */
function aborted(reason: AfterwordError): Ending {
  return reason.code === "canceled" ? { status: "canceled", reason: reason.message } : { status: "released" };
}

function failed({ job, abortReason }: Delivery, definition: TaskDefinition | undefined, error: unknown): Ending {
  if (abortReason && abortReason.code !== "timeout") return aborted(abortReason);
  const data = toErrorData(error);
  const hasAnother = job.attempt < job.attempts && !isHopeless(error);
  if (!hasAnother || !wantsAnother(definition, error, job.attempt)) return { status: "failed", error: data };
  return { status: "retry", error: data, delayMs: retryDelayMs(job.backoff, job.attempt, Math.random()) };
}

function isHopeless(error: unknown): boolean {
  try {
    return error instanceof AfterwordError && hopeless.has(error.code);
  } catch {
    // Even that question can throw, at a Proxy.
    return false;
  }
}

function wantsAnother(definition: TaskDefinition | undefined, error: unknown, attempt: number): boolean {
  try {
    return definition?.config.retryIf?.(error, attempt) ?? true;
  } catch {
    return true;
  }
}

function end(delivery: Delivery, ending: Ending, { watcher }: ExecuteContext, error: unknown): Ending {
  watcher?.ended(delivery, ending, error);
  return ending;
}

/** What `currentTask()` gives inside a job. */
class RunningJob implements CurrentTask {
  readonly #delivery: Delivery;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  get id(): string {
    return this.#delivery.job.id;
  }

  get name(): string {
    return this.#delivery.job.task;
  }

  get attempt(): number {
    return this.#delivery.job.attempt;
  }

  get signal(): AbortSignal {
    return this.#delivery.signal;
  }

  // Made on demand, so that they can be taken out of the object.
  get progress(): (value: number, note?: string) => void {
    return (value, note) => {
      if (!Number.isFinite(value))
        throw new TypeError(`progress(value, note) expects a finite number first, but got ${formatValue(value)}.`);
      this.#delivery.progress(value, note === undefined ? undefined : String(note));
    };
  }

  get log(): (line: string) => void {
    return (line) => this.#delivery.log(String(line));
  }
}
