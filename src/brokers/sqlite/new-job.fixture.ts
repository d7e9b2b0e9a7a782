import type { NewJob } from "../../tasks/job.ts";
import { createSampleJob } from "../../testing/describe-broker/sample-job.ts";

const hourMs = 3_600_000;

/** A job with one attempt, of which only what matters is said. */
export function createJob(fields: Partial<NewJob> = {}): NewJob {
  const kept = { keepResultMs: hourMs, keepFailedMs: hourMs };
  return createSampleJob({ task: "noop", args: "[1]", attempts: 1, ...kept, ...fields });
}

export function createJobs(count: number, fields: Partial<NewJob> = {}): NewJob[] {
  return Array.from({ length: count }, () => createJob(fields));
}
