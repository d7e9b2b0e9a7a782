/** Where a job is. `scheduled`, `queued` and `running` come before the end; the others are final. */
export type JobStatus = "scheduled" | "queued" | "running" | FinalStatus;

/** How a job can end. A job is final exactly once. */
export type FinalStatus = "succeeded" | "failed" | "canceled" | "expired";

/** The statuses that are final, for lists and checks. */
export const finalStatuses: readonly FinalStatus[] = ["succeeded", "failed", "canceled", "expired"];

/** All statuses, in the order of a job's life. */
export const jobStatuses: readonly JobStatus[] = ["scheduled", "queued", "running", ...finalStatuses];

export function isFinal(status: JobStatus): status is FinalStatus {
  return status !== "scheduled" && status !== "queued" && status !== "running";
}

/** How long to wait before the next attempt, as data: `min(maxMs, baseMs * factor ^ (attempt - 1))`, jittered. */
export interface Backoff {
  readonly baseMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** Whether the wait is drawn at random between half of it and all of it. */
  readonly jitter: boolean;
}

/** Limits of a task over all workers of its broker. They travel with its jobs; the last stored job's limits are in force. */
export interface TaskLimits {
  /** How many of its jobs may run at the same time. */
  readonly maxRunning: number | undefined;
  /** How many of its jobs may start within any stretch of `perMs`. */
  readonly rate: { readonly limit: number; readonly perMs: number } | undefined;
}

/** What a job waits for: other jobs, usually of the same batch. */
export interface JobDependencies {
  /** The ids of the jobs that must succeed first; when one of them ends otherwise, this job fails with `chord_part_failed`. */
  readonly ids: readonly string[];
  /**
   * What is put in front of this job's arguments when they have all succeeded: nothing, the result of the only one, or the
   * array of all results in the order of `ids`.
   */
  readonly pass: "nothing" | "result" | "results";
}

/** A job as it is handed to a broker. All of it is plain data, all durations are milliseconds by the clock of the store. */
export interface NewJob {
  /** A UUID version 7. Storing an id again is storing it once: the second time nothing happens. */
  readonly id: string;
  /** The name of its task. */
  readonly task: string;
  readonly queue: string;
  /** The arguments: the text of a JSON array. */
  readonly args: string;
  /** 0 to 9; higher runs first, first in first out within one. */
  readonly priority: number;
  /** How long it must wait before it may run: it is `scheduled` until then. 0: it is `queued` at once. */
  readonly delayMs: number;
  /** If it has not been started so long after it was stored, it ends as `expired`. */
  readonly expiresMs: number | undefined;
  /** While a job of the same task and key is not final, storing this one stores nothing. */
  readonly uniqueKey: string | undefined;
  /** How many attempts it has. */
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly timeoutMs: number | undefined;
  readonly limits: TaskLimits | undefined;
  /** How long a succeeded, canceled or expired job is kept after its end. */
  readonly keepResultMs: number;
  /** How long a failed one is kept. */
  readonly keepFailedMs: number;
  readonly after: JobDependencies | undefined;
  /** Small texts that travel along: `requestId`, `schedule`, `flow` (the id of its last job), `traceparent`. */
  readonly meta: Readonly<Record<string, string>>;
}

/** An error as it is stored. */
export interface JobErrorData {
  /** The name of its class. */
  readonly name: string;
  readonly message: string;
  /** Its own code, or one of ours: `timeout`, `worker_lost`, `chord_part_failed`, `unknown_task`, … */
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
}

/** An attempt that failed. */
export interface FailedAttempt extends JobErrorData {
  /** Counted from 1. */
  readonly attempt: number;
  /** When it failed. */
  readonly at: number;
}

/** How far a job says it is. */
export interface JobProgress {
  readonly value: number;
  readonly note?: string | undefined;
  readonly at: number;
}

/** A line that a job has logged. */
export interface JobLogLine {
  readonly at: number;
  readonly line: string;
}

/** So many of the last failed attempts of a job are kept. */
export const maxFailedAttempts = 20;

/** So many of the last lines of a job's log are kept. */
export const maxLogLines = 100;

/** A job as a broker knows it. Instants are milliseconds since the Unix epoch by the clock of the store. */
export interface Job {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly args: string;
  readonly priority: number;
  readonly uniqueKey: string | undefined;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly timeoutMs: number | undefined;
  /** The limits that it was stored with. */
  readonly limits: TaskLimits | undefined;
  readonly keepResultMs: number;
  readonly keepFailedMs: number;
  readonly meta: Readonly<Record<string, string>>;
  readonly after: JobDependencies | undefined;
  readonly status: JobStatus;
  /** The attempt that runs or ran last; 0 before the first. */
  readonly attempt: number;
  /** How often this attempt was handed to a worker. A worker that gives it back at shutdown takes its delivery back. */
  readonly deliveries: number;
  readonly storedAt: number;
  /** When it may run or could have; `undefined` while it waits for other jobs. */
  readonly runAt: number | undefined;
  /** When the last attempt was started. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly expiresAt: number | undefined;
  /** Where it runs or ran last: the id of the worker. */
  readonly worker: string | undefined;
  /** Whether somebody has asked for its cancellation, and the reason, also after its end as `canceled` or `expired`. */
  readonly reason: string | undefined;
  /** The text of a JSON value; of `succeeded` jobs. */
  readonly result: string | undefined;
  /** Of `failed` jobs. */
  readonly error: JobErrorData | undefined;
  /** The attempts that failed: the last {@link maxFailedAttempts}. */
  readonly failures: readonly FailedAttempt[];
  readonly progress: JobProgress | undefined;
  /** The last {@link maxLogLines}. */
  readonly log: readonly JobLogLine[];
}

/** What a worker needs of a job to run it. */
export interface DeliveredJob extends Pick<
  Job,
  "id" | "task" | "queue" | "args" | "attempt" | "attempts" | "deliveries" | "backoff" | "timeoutMs" | "meta"
> {
  /** Counts the deliveries of a job and never falls: whoever holds an older one has lost the job. */
  readonly epoch: number;
}
