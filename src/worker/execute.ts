import { runAsCurrent } from "../background/current-task.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import { isThenable } from "../internal/thenable.ts";
import { runWithClient } from "../tasks/current-client.ts";
import type { Delivery } from "../tasks/delivery.ts";
import type { Ending } from "../tasks/ending.ts";
import { isRunObserved, publishStarted } from "../tasks/job-channels.ts";
import type { TaskDefinition } from "../tasks/task-definition.ts";
import { endLike, fail, succeed, type ExecuteContext } from "./endings.ts";
import { OpenEnding } from "./open-ending.ts";
import { findDefinition, readArguments } from "./prepare-call.ts";
import { RunningJob } from "./running-job.ts";

/**
 * Runs one delivery to its ending: finds the task, decodes and checks the arguments, runs the function with its
 * dependencies, here or in a thread, encodes what it returned. Whatever goes wrong on the way is an ending as well: it never throws.
 */
export function execute(delivery: Delivery, context: ExecuteContext): Ending | Promise<Ending> {
  context.watcher?.started(delivery);
  if (isRunObserved()) publishStarted(delivery, context.client.broker.name);
  const definition = findDefinition(delivery.job.task);
  if (definition === undefined) return fail(delivery, undefined, context, unknownTask(delivery.job.task));
  if (definition.config.thread !== undefined && !definition.isOverriddenBy(context.client.overrides))
    return runInThread(delivery, definition, context);
  try {
    const args = readArguments(definition, delivery.job);
    if (!isThenable(args)) return run(delivery, definition, args as readonly unknown[], context);
    return (args as Promise<readonly unknown[]>).then(
      (checked) => run(delivery, definition, checked, context),
      (error: unknown) => fail(delivery, definition, context, error),
    );
  } catch (error) {
    return fail(delivery, definition, context, error);
  }
}

function unknownTask(name: string): AfterwordError {
  return new AfterwordError(
    "unknown_task",
    `This worker knows no task "${name}". Import the module that defines it where the worker starts, or deploy the version that has it, and retry the job.`,
  );
}

function run(
  delivery: Delivery,
  definition: TaskDefinition,
  args: readonly unknown[],
  context: ExecuteContext,
): Ending | Promise<Ending> {
  const { client } = context;
  const { message } = delivery;
  const call = (): unknown => definition.call(args, () => delivery.signal, client.overrides);
  context.watcher?.calls(delivery);
  let result: unknown;
  try {
    result = runWithClient(
      client,
      runAsCurrent,
      new RunningJob(delivery),
      message === undefined ? call : () => message.call(call),
    );
  } catch (error) {
    return fail(delivery, definition, context, error);
  }
  if (!isThenable(result)) return succeed(delivery, definition, result, context);
  const open = new OpenEnding(delivery, definition, context);
  open.startClock();
  // Through Promise.resolve, because a foreign `then` may call back twice, or throw.
  Promise.resolve(result).then(
    (value) => open.settle(() => succeed(delivery, definition, value, context)),
    (error: unknown) => open.settle(() => fail(delivery, definition, context, error)),
  );
  return open.promise;
}

function runInThread(delivery: Delivery, definition: TaskDefinition, context: ExecuteContext): Promise<Ending> {
  const open = new OpenEnding(delivery, definition, context);
  context.threads
    .run(delivery, definition, () => open.startClock())
    .then(
      (outcome) => open.settle(() => endLike(outcome, delivery, context)),
      (error: unknown) => open.settle(() => fail(delivery, definition, context, error)),
    );
  return open.promise;
}
