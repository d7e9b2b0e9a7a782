import { createUuidV7 } from "../../internal/uuid-v7.ts";
import type { NewJob } from "../../tasks/job.ts";

const hourMs = 3_600_000;

export function createJob(fields: Partial<NewJob> = {}): NewJob {
  return {
    id: createUuidV7(),
    task: "noop",
    queue: "default",
    args: "[1]",
    priority: 5,
    delayMs: 0,
    expiresMs: undefined,
    uniqueKey: undefined,
    attempts: 1,
    backoff: { baseMs: 1_000, factor: 2, maxMs: 60_000, jitter: false },
    timeoutMs: undefined,
    limits: undefined,
    keepResultMs: hourMs,
    keepFailedMs: hourMs,
    after: undefined,
    meta: {},
    ...fields,
  };
}

export function createJobs(count: number, fields: Partial<NewJob> = {}): NewJob[] {
  return Array.from({ length: count }, () => createJob(fields));
}
