import { createUuidV7 } from "../../internal/uuid-v7.ts";
import type { NewJob } from "../../tasks/job.ts";

/** The task of jobs whose task does not matter. */
export const sampleTask = "sample";

/** The queue of jobs whose queue does not matter. */
export const sampleQueue = "default";

/** A job of which only what matters is said. */
export function createSampleJob(fields: Partial<NewJob> = {}): NewJob {
  return {
    id: createUuidV7(),
    task: sampleTask,
    queue: sampleQueue,
    args: "[]",
    priority: 5,
    delayMs: 0,
    expiresMs: undefined,
    uniqueKey: undefined,
    attempts: 3,
    backoff: { baseMs: 1_000, factor: 2, maxMs: 3_600_000, jitter: false },
    timeoutMs: undefined,
    limits: undefined,
    keepResultMs: 86_400_000,
    keepFailedMs: 86_400_000,
    after: undefined,
    meta: {},
    ...fields,
  };
}

/** So many of them, told apart by their only argument: 0, 1, 2, … */
export function createSampleJobs(count: number, fields: Partial<NewJob> = {}): NewJob[] {
  return Array.from({ length: count }, (_, index) => createSampleJob({ args: `[${index}]`, ...fields }));
}
