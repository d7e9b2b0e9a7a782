import type { NewJob } from "../../tasks/job.ts";
import { createSampleJob } from "../../testing/describe-broker/sample-job.ts";

/** A job of which only what matters is said; it is soon forgotten. */
export function createNewJob(fields: Partial<NewJob> = {}): NewJob {
  const backoff = { baseMs: 1_000, factor: 2, maxMs: 60_000, jitter: false };
  return createSampleJob({ backoff, keepResultMs: 60_000, keepFailedMs: 60_000, ...fields });
}

/** So many of them, told apart by their only argument. */
export function createNewJobs(count: number, fields: Partial<NewJob> = {}): NewJob[] {
  return Array.from({ length: count }, (_, index) => createNewJob({ args: `[${index}]`, ...fields }));
}
