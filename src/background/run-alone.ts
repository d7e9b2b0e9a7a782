import { AsyncResource } from "node:async_hooks";
import type { AddedTask } from "./added-task.ts";
import { ListRun, type TaskList } from "./list-run.ts";
import type { TaskRunner } from "./run-task.ts";
import { publishEnded } from "./task-channels.ts";

/**
 * Runs a list that no request owns. Nobody else is told of failures, so they are thrown when all have ended: one as it is,
 * several as an `AggregateError`.
 */
export async function runAlone(list: TaskList): Promise<void> {
  const errors: unknown[] = [];
  await new Promise<void>((resolve) => {
    if (new ListRun(list, aloneRunner(errors), resolve).start()) resolve();
  });
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} background tasks failed.`);
}

function aloneRunner(errors: unknown[]): TaskRunner {
  const context = new AsyncResource("AfterwordTasks");
  return {
    inContext: (fn, self) => context.runInAsyncScope(fn, self),
    timeoutMs: undefined,
    list: undefined,
    concurrency: 1,
    request: undefined,
    allows: () => true,
    started() {},
    waits() {},
    ended(task: AddedTask) {
      publishEnded(task);
      const { outcome } = task;
      if (outcome?.status === "failed") errors.push(outcome.error);
    },
    blocked() {},
    skipped: publishEnded,
    watch() {},
    progress() {},
    log() {},
  };
}
