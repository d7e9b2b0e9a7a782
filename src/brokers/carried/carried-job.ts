import type { FailedAttempt, JobErrorData, NewJob } from "../../tasks/job.ts";
import { maxFailedAttempts } from "../../tasks/job.ts";

/** A job as a message carries it: all that is known of it, because nothing else knows it. */
export interface CarriedJob {
  readonly job: NewJob;
  /** The attempt that is to run: 1 at first. */
  readonly attempt: number;
  /** How often this attempt was handed out before, not counting what the server counts. */
  readonly deliveries: number;
  /** The highest epoch that it had before: 0 at first. */
  readonly epoch: number;
  /** When it ends as expired unless it was started; by the clock of whoever stored it. */
  readonly expiresAt: number | undefined;
  /** Before this it does not run, whenever it comes; for those whose time is longer than a message can wait. */
  readonly notBefore: number | undefined;
  readonly failures: readonly FailedAttempt[];
}

export function toCarriedJob(job: NewJob, nowMs: number): CarriedJob {
  return {
    job,
    attempt: 1,
    deliveries: 0,
    epoch: 0,
    expiresAt: job.expiresMs === undefined ? undefined : nowMs + job.expiresMs,
    notBefore: undefined,
    failures: [],
  };
}

/** The job after an attempt that has failed. Once started, it does not expire. */
export function withFailure(carried: CarriedJob, epoch: number, error: JobErrorData, nowMs: number): CarriedJob {
  const failures = [...carried.failures, { ...error, attempt: carried.attempt, at: nowMs }];
  return {
    ...carried,
    epoch,
    deliveries: 0,
    attempt: carried.attempt + 1,
    expiresAt: undefined,
    notBefore: undefined,
    failures: failures.slice(-maxFailedAttempts),
  };
}
