import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { Job } from "../tasks/job.ts";
import { toJobInfo } from "../tasks/job-info.ts";
import type { JobInfo } from "../tasks/job-handle.ts";

/** A field of a job that `taskRoutes` can show. Instants are milliseconds since the Unix epoch. */
export type TaskField =
  | "id"
  | "name"
  | "status"
  | "progress"
  | "result"
  | "error"
  | "stack"
  | "failures"
  | "reason"
  | "args"
  | "log"
  | "queue"
  | "priority"
  | "attempt"
  | "attempts"
  | "uniqueKey"
  | "requestId"
  | "worker"
  | "storedAt"
  | "runAt"
  | "startedAt"
  | "endedAt";

/** How a field of a job is shown to clients. `undefined` is left out. */
const views: Readonly<Record<TaskField, (info: JobInfo) => unknown>> = {
  id: ({ id }) => id,
  name: ({ name }) => name,
  status: ({ status }) => status,
  progress: ({ progress }) =>
    progress && { value: progress.value, ...(progress.note !== undefined && { note: progress.note }) },
  result: ({ result }) => result,
  /** Name, message and code. */
  error: ({ error }) => error && { name: error.name, message: error.message, code: error.code },
  /** Of the error. */
  stack: ({ error }) => error?.stack,
  /** The attempts that failed, without their stacks. */
  failures: ({ failures }) =>
    failures.map(({ attempt, at, name, message, code }) => ({ attempt, at, name, message, code })),
  reason: ({ reason }) => reason,
  args: ({ args }) => args,
  log: ({ log }) => log,
  queue: ({ queue }) => queue,
  priority: ({ priority }) => priority,
  attempt: ({ attempt }) => attempt,
  attempts: ({ attempts }) => attempts,
  uniqueKey: ({ uniqueKey }) => uniqueKey,
  requestId: ({ requestId }) => requestId,
  worker: ({ worker }) => worker,
  storedAt: ({ storedAt }) => storedAt,
  runAt: ({ runAt }) => runAt,
  startedAt: ({ startedAt }) => startedAt,
  endedAt: ({ endedAt }) => endedAt,
};

/** Nothing that tells how the work is done. */
export const defaultFields: readonly TaskField[] = ["id", "name", "status", "progress", "result"];

/** @throws {DeclarationError} for a field that does not exist */
export function checkFields(fields: readonly unknown[]): asserts fields is readonly TaskField[] {
  if (!Array.isArray(fields))
    throw new DeclarationError(`taskRoutes(): fields must be an array, but got ${formatValue(fields)}.`);
  for (const field of fields)
    if (typeof field !== "string" || !Object.hasOwn(views, field))
      throw new DeclarationError(
        `taskRoutes(): there is no field ${formatValue(field)}. There are ${Object.keys(views).join(", ")}.`,
      );
}

/** What is shown of a job. */
export function viewOf(job: Job, fields: readonly TaskField[]): Record<string, unknown> {
  const info = toJobInfo(job);
  return Object.fromEntries(
    fields.map((field) => [field, views[field](info)]).filter(([, value]) => value !== undefined),
  );
}
