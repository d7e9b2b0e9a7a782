import type { Job } from "./job.ts";
import type { JobInfo } from "./job-handle.ts";

/** A job for people and programs that want to look at it. Texts that are no JSON, from other programs, stay texts. */
export function toJobInfo(job: Job): JobInfo {
  const args = parse(job.args);
  return {
    id: job.id,
    name: job.task,
    queue: job.queue,
    status: job.status,
    args: Array.isArray(args) ? args : [args],
    priority: job.priority,
    uniqueKey: job.uniqueKey,
    attempt: job.attempt,
    attempts: job.attempts,
    progress: job.progress,
    log: job.log,
    result: job.result === undefined ? undefined : parse(job.result),
    error: job.error,
    failures: job.failures,
    reason: job.reason,
    requestId: job.meta.requestId,
    storedAt: job.storedAt,
    runAt: job.runAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
    worker: job.worker,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
