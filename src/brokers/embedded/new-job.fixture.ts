import { createUuidV7 } from "../../internal/uuid-v7.ts";
import type { NewJob } from "../../tasks/job.ts";

/** A job of which only what matters is said. */
export function createNewJob(fields: Partial<NewJob> = {}): NewJob {
  return {
    id: createUuidV7(),
    task: "sample",
    queue: "default",
    args: "[]",
    priority: 5,
    delayMs: 0,
    expiresMs: undefined,
    uniqueKey: undefined,
    attempts: 3,
    backoff: { baseMs: 1_000, factor: 2, maxMs: 60_000, jitter: false },
    timeoutMs: undefined,
    limits: undefined,
    keepResultMs: 60_000,
    keepFailedMs: 60_000,
    after: undefined,
    meta: {},
    ...fields,
  };
}

/** So many of them, told apart by their only argument. */
export function createNewJobs(count: number, fields: Partial<NewJob> = {}): NewJob[] {
  return Array.from({ length: count }, (_, index) => createNewJob({ args: `[${index}]`, ...fields }));
}
