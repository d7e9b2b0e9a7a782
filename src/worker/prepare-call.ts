import { AfterwordError } from "../internal/afterword-error.ts";
import { isThenable, type Awaitable } from "../internal/thenable.ts";
import { collect, collectName } from "../tasks/collect.ts";
import type { DeliveredJob } from "../tasks/job.ts";
import { invalidArguments } from "../tasks/new-job.ts";
import { findTask } from "../tasks/registry.ts";
import { definitionOf, type TaskDefinition } from "../tasks/task-definition.ts";

/** The task of a job; `undefined` if this process or thread knows none of that name. */
export function findDefinition(name: string): TaskDefinition | undefined {
  const task = findTask(name);
  if (task) return definitionOf(task);
  return name === collectName ? collect : undefined;
}

/**
 * The arguments of a job, as the function gets them: a promise only if the task's schema answers with one.
 *
 * @throws {AfterwordError} with code `undecodable` or `invalid_arguments`, or rejects with it
 */
export function readArguments(definition: TaskDefinition, job: DeliveredJob): Awaitable<readonly unknown[]> {
  return checkArguments(definition, decode(job));
}

function decode(job: DeliveredJob): readonly unknown[] {
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
