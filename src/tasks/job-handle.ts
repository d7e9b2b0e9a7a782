import type { TaskHandle } from "../background/added-task.ts";
import type { Duration } from "../internal/duration.ts";
import type { FailedAttempt, JobLogLine, JobProgress, JobStatus } from "./job.ts";

/** A job that was added or stored: what it is doing, what came of it, and a way to stop it. */
export interface JobHandle<R = unknown> extends TaskHandle<R> {
  /**
   * A UUID version 7, known at once. When the job's `uniqueKey` is in use, it becomes the id of the job that has it, as soon as
   * `stored` resolves.
   */
  readonly id: string;
  /** What it was when it was stored, as far as this handle knows; else `undefined`. */
  readonly initialStatus?: "scheduled" | "queued" | undefined;
  /** Resolves when the job is stored; rejects with the reason when it could not be. */
  readonly stored: Promise<void>;
  /**
   * What the task returned, when the job has succeeded.
   *
   * @throws {JobError} when it failed: the error that was thrown in the worker. An `AfterwordError` with code `canceled`,
   *   `expired` or `dropped` when it ended so, and with `result_timeout` when it had not ended within `timeout`, which is none
   *   by default
   */
  result(options?: { readonly timeout?: Duration }): Promise<R>;
  /** Everything the broker knows of it; `undefined` when it is not stored, or not any more. */
  info(): Promise<JobInfo | undefined>;
  /**
   * Before the start: it never runs. While it runs, in whatever process: its signal aborts, and it ends as `canceled`.
   * The jobs that it waits for are canceled with it.
   *
   * @returns whether it has ended as canceled, or its worker was told to; `false` when it had ended already
   */
  cancel(reason?: string): Promise<boolean>;
}

/** A job as a broker knows it. Instants are milliseconds since the Unix epoch by the clock of the store. */
export interface JobInfo {
  readonly id: string;
  /** The name of its task. */
  readonly name: string;
  readonly queue: string;
  readonly status: JobStatus;
  readonly args: readonly unknown[];
  readonly priority: number;
  readonly uniqueKey: string | undefined;
  /** The attempt that runs or ran last; 0 before the first. */
  readonly attempt: number;
  /** How many attempts it has. */
  readonly attempts: number;
  readonly progress: JobProgress | undefined;
  readonly log: readonly JobLogLine[];
  /** Of a job that has succeeded. */
  readonly result: unknown;
  /** Of a job that has failed. */
  readonly error: Omit<FailedAttempt, "attempt" | "at"> | undefined;
  /** The attempts that failed, the last twenty. */
  readonly failures: readonly FailedAttempt[];
  /** Why it was canceled or has expired. */
  readonly reason: string | undefined;
  /** The request that added it. */
  readonly requestId: string | undefined;
  readonly storedAt: number;
  /** When it may run; `undefined` while it waits for other jobs. */
  readonly runAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** The id of the worker that runs it or ran it last. */
  readonly worker: string | undefined;
}

/** Looks for `stored` without reading it: to ask for that promise is to make it. */
export function isJobHandle(handle: TaskHandle): handle is JobHandle {
  return "stored" in handle && "result" in handle;
}
