import { AfterwordError } from "../internal/afterword-error.ts";
import type { DeliveredJob, JobErrorData } from "../tasks/job.ts";
import { toErrorData } from "../tasks/job-error.ts";
import type { TaskDefinition } from "../tasks/task-definition.ts";

/** An attempt that failed, as data. */
export interface Failure {
  readonly error: JobErrorData;
  /** Whether the job has another attempt, and there is use in it. */
  readonly hasAnother: boolean;
}

/** There is no use in another attempt after these. */
const hopeless: ReadonlySet<string> = new Set([
  "unknown_task",
  "undecodable",
  "invalid_arguments",
  "unserializable_result",
  "result_too_large",
]);

/** What a thrown error means for its job. Asked where the error was thrown, since `retryIf` may look at its class. Never throws. */
export function toFailure(error: unknown, job: DeliveredJob, definition: TaskDefinition | undefined): Failure {
  const hasAnother = job.attempt < job.attempts && !isHopeless(error) && wantsAnother(definition, error, job.attempt);
  return { error: toErrorData(error), hasAnother };
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
