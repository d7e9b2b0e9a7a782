import type { TaskSettings } from "../background/added-task.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import type { Awaitable } from "../internal/thenable.ts";
import { assertAbility, assertSupported } from "./abilities.ts";
import type { Broker } from "./broker.ts";
import { Call } from "./call.ts";
import { collect } from "./collect.ts";
import type { FlowNode, FlowPart } from "./flow.ts";
import type { JobDependencies, NewJob } from "./job.ts";
import { checkArguments, toNewJob } from "./new-job.ts";
import type { TaskDefinition } from "./task-definition.ts";

/** What the next part of a flow waits for: one job, or all of several. */
interface Exit {
  readonly ids: readonly string[];
  readonly isMany: boolean;
}

/** What all jobs of a flow are given. */
interface FlowJobs {
  readonly jobs: NewJob[];
  readonly flow: string;
  readonly settings: TaskSettings;
  readonly requestId: string | undefined;
}

/** The jobs of a flow, each after those it waits for; the last one stands for the whole. */
export function flowToJobs(
  node: FlowNode,
  flow: string,
  settings: TaskSettings,
  requestId: string | undefined,
): readonly NewJob[] {
  const made: FlowJobs = { jobs: [], flow, settings, requestId };
  const exit = addNode(node, undefined, made);
  if (exit === undefined || exit.isMany)
    addJob(collect, exit === undefined ? [[]] : [], exit && dependencies(exit, true), made);
  return made.jobs.map((job, index, { length }) => (index < length - 1 ? withFlow(job, made.jobs.at(-1)!.id) : job));
}

/** By it, whoever sees one job of a flow finds the last, and from that one, by what each waits for, all of them. */
function withFlow(job: NewJob, flow: string): NewJob {
  return { ...job, meta: { ...job.meta, flow } };
}

/** `undefined` for a group without parts. */
function addNode(node: FlowNode, previous: Exit | undefined, made: FlowJobs): Exit | undefined {
  if (node.kind === "group") {
    const exits = node.parts.map((part) => single(addPart(part, previous, made), made));
    return exits.length === 0 ? undefined : { ids: exits.flatMap(({ ids }) => ids), isMany: true };
  }
  let exit = previous;
  for (const [index, part] of node.parts.entries()) {
    const isAfterEmptyGroup = index > 0 && exit === undefined;
    exit =
      isAfterEmptyGroup && part instanceof Call && part.takesResult
        ? addJob(part.definition, [[], ...part.args], undefined, made)
        : addPart(part, exit, made);
  }
  return exit;
}

function addPart(part: FlowPart, previous: Exit | undefined, made: FlowJobs): Exit | undefined {
  if (!(part instanceof Call)) return addNode(part.node, previous, made);
  if (part.takesResult && previous === undefined)
    throw new DeclarationError(
      `${made.flow}: ${part.definition.name}.withResult(…) takes the result of a part before it, but there is none. Write ${part.definition.name}.call(…) with all arguments.`,
    );
  return addJob(part.definition, part.args, previous && dependencies(previous, part.takesResult), made);
}

/** A part of a group counts as one job. */
function single(exit: Exit | undefined, made: FlowJobs): Exit {
  if (exit === undefined) return addJob(collect, [[]], undefined, made);
  return exit.isMany ? addJob(collect, [], dependencies(exit, true), made) : exit;
}

function dependencies({ ids, isMany }: Exit, takesResult: boolean): JobDependencies {
  if (!takesResult) return { ids, pass: "nothing" };
  return { ids, pass: isMany ? "results" : "result" };
}

function addJob(
  definition: TaskDefinition,
  args: readonly unknown[],
  after: JobDependencies | undefined,
  { jobs, settings, requestId }: FlowJobs,
): Exit {
  const config =
    settings.timeoutMs === undefined ? definition.config : { ...definition.config, timeoutMs: settings.timeoutMs };
  const job = toNewJob(definition.name, config, args, requestId, after);
  jobs.push(job);
  return { ids: [job.id], isMany: false };
}

/** Whether the broker can do what the parts ask for; and their arguments, where all of them are known. */
export async function checkFlow(node: FlowNode, broker: Broker): Promise<void> {
  assertAbility(broker, "A flow (chain, group, chord)", "groups");
  await checkNode(node, broker);
}

async function checkNode(node: FlowNode, broker: Broker): Promise<void> {
  for (const part of node.parts) await checkPart(part, broker);
}

function checkPart(part: FlowPart, broker: Broker): Awaitable<void> {
  if (!(part instanceof Call)) return checkNode(part.node, broker);
  assertSupported(broker, part.definition.name, part.definition.config);
  return part.takesResult ? undefined : checkArguments(part.definition, part.args);
}
