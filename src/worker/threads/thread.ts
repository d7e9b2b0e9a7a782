/** The entry of a worker thread, called by piscina for each job. Its only partner is `ThreadRun`. */
import { becomeTaskThread } from "../../background/task-thread.ts";
import { runAsCurrent } from "../../background/current-task.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { inFreshContext } from "../../internal/root-context.ts";
import { Client } from "../../tasks/client.ts";
import { resultToJson } from "../../tasks/json-value.ts";
import type { TaskDefinition } from "../../tasks/task-definition.ts";
import { toFailure } from "../failure.ts";
import { findDefinition, readArguments } from "../prepare-call.ts";
import { RunningJob } from "../running-job.ts";
import { ImportError, importModule, refuseServers } from "./import-module.ts";
import { JobLine } from "./job-line.ts";
import { createParentBroker } from "./parent-broker.ts";
import { ThreadLife } from "./thread-life.ts";
import type { ThreadOrder, ThreadOutcome } from "./thread-messages.ts";

becomeTaskThread();
refuseServers();
const life = new ThreadLife();

/** Runs one attempt. Resolves when the thread is free for another; never in a thread that will be ended. */
export async function runJob(order: ThreadOrder): Promise<void> {
  if (!life.begin()) return new Promise(() => {});
  const line = new JobLine(order);
  line.say({ kind: "taken" });
  const { outcome, isSpoiled } = await inFreshContext(run, order, line);
  line.say({ kind: "ended", outcome, isSpoiled });
  line.close();
  if (isSpoiled) return new Promise(() => {});
  life.done();
}

async function run(order: ThreadOrder, line: JobLine): Promise<{ outcome: ThreadOutcome; isSpoiled: boolean }> {
  const { job, module } = order;
  let definition: TaskDefinition | undefined;
  try {
    await importModule(job.task, module);
    definition = findDefinition(job.task);
    if (definition === undefined) throw notDefined(job.task, module);
    const args = await readArguments(definition, job);
    if (definition.hasDependencies) await life.openResources();
    return { outcome: { result: await call(definition, args, order, line) }, isSpoiled: false };
  } catch (error) {
    return { outcome: { failure: toFailure(error, job, definition) }, isSpoiled: error instanceof ImportError };
  }
}

async function call(
  definition: TaskDefinition,
  args: readonly unknown[],
  { broker }: ThreadOrder,
  line: JobLine,
): Promise<string> {
  const { delivery } = line;
  delivery.signal.throwIfAborted();
  const client = new Client({ broker: createParentBroker(broker, line.ask) });
  try {
    line.say({ kind: "started" });
    const result = await client.run(() =>
      runAsCurrent(new RunningJob(delivery), () => definition.call(args, () => delivery.signal, undefined)),
    );
    return resultToJson(result, definition.name);
  } finally {
    await client.close();
  }
}

function notDefined(task: string, module: string): AfterwordError {
  return new AfterwordError(
    "unknown_task",
    `A worker thread imported ${module}, the module of task "${task}", but it defines no task of that name there. Give the option thread the URL of the module that calls task("${task}", …), import.meta.url, and keep the package out of bundles, so that both know the same tasks.`,
  );
}
