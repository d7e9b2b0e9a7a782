import { decodeTaskResult, encodeTaskResult, type TaskResult } from "../../celery/result.ts";
import { exponential } from "../../tasks/retry.ts";
import { isFinal, type FailedAttempt, type Job, type JobStatus, type NewJob } from "../../tasks/job.ts";
import { chordPartFailed } from "../pulled/part-results.ts";
import { toErrorData, toFailure } from "./task-outcome.ts";
import type { StoredTask } from "./transport.ts";

/** What a record keeps of a job as it was stored. */
type RecordedJob = Pick<
  NewJob,
  | "task"
  | "queue"
  | "args"
  | "priority"
  | "attempts"
  | "backoff"
  | "timeoutMs"
  | "keepResultMs"
  | "keepFailedMs"
  | "meta"
  | "after"
>;

/** So long the record of a job is kept, beyond its delay and what it is kept for, while nobody takes it. */
const waitMs = 14 * 86_400_000;

/** So long the record of a job is kept at first, in milliseconds. */
export function recordMs({ delayMs, keepFailedMs }: NewJob): number {
  return delayMs + waitMs + keepFailedMs;
}

/** The text of it. */
export function toRecord(job: NewJob): string {
  const { task, queue, args, priority, attempts, backoff, timeoutMs, keepResultMs, keepFailedMs, meta, after } = job;
  const recorded: RecordedJob = {
    task,
    queue,
    args,
    priority,
    attempts,
    backoff,
    timeoutMs,
    keepResultMs,
    keepFailedMs,
    meta,
    after,
  };
  return JSON.stringify(recorded);
}

/** A job that no program of ours has stored. */
const unrecorded: RecordedJob = {
  task: "",
  queue: "",
  args: "[]",
  priority: 5,
  attempts: 1,
  backoff: exponential(),
  timeoutMs: undefined,
  keepResultMs: 86_400_000,
  keepFailedMs: 86_400_000,
  meta: {},
  after: undefined,
};

/** What Celery's result and our own record tell of a job. The result decides how it ended: Celery's workers write no record. */
export function toJob(id: string, { result: text, record, failures, log, nowMs }: StoredTask): Job {
  const result = text === undefined ? undefined : readResult(id, text);
  const job = record.job === undefined ? { ...unrecorded, ...shown(result) } : (JSON.parse(record.job) as RecordedJob);
  const number = (name: string): number | undefined => (record[name] === undefined ? undefined : Number(record[name]));
  const expiresAt = number("expiresAt");
  const status = toStatus(result, record, nowMs);
  return {
    id,
    ...job,
    timeoutMs: job.timeoutMs ?? undefined,
    after: job.after ?? undefined,
    uniqueKey: undefined,
    limits: undefined,
    status,
    attempt: record.retries === undefined ? 0 : Number(record.retries) + 1,
    deliveries: number("deliveries") ?? 0,
    storedAt: number("storedAt") ?? 0,
    runAt: number("runAt"),
    startedAt: number("startedAt"),
    endedAt: number("endedAt") ?? result?.doneAt ?? (status === "expired" ? expiresAt : undefined),
    expiresAt,
    worker: record.worker,
    reason: record.reason ?? (isEndedEarly(status) ? (result?.error?.message ?? "expired") : undefined),
    result: status === "succeeded" ? (record.result ?? JSON.stringify(result?.result ?? null)) : undefined,
    error: status === "failed" && result?.error !== undefined ? toErrorData(result) : undefined,
    failures: failures.map(([at, failure]) => ({ ...(JSON.parse(failure) as Omit<FailedAttempt, "at">), at })),
    progress:
      record.progress === undefined ? undefined : { ...JSON.parse(record.progress), at: number("progressAt") ?? nowMs },
    log: log.map(([at, line]) => ({ at, line })),
  };
}

/** A result that cannot be read is an end as well: one job must not keep others from being found. */
function readResult(id: string, text: string): TaskResult {
  try {
    return decodeTaskResult(text);
  } catch (error) {
    const { name, message } = error as Error;
    return decodeTaskResult(encodeTaskResult(toFailure(id, { name, message, code: "undecodable" }, undefined)));
  }
}

function isEndedEarly(status: JobStatus): boolean {
  return status === "canceled" || status === "expired";
}

function toStatus(result: TaskResult | undefined, record: StoredTask["record"], nowMs: number): JobStatus {
  const told = toToldStatus(result);
  if (told !== undefined && isFinal(told)) return told;
  const state = record.state as JobStatus | undefined;
  if (state === undefined) return told ?? "queued";
  if (isFinal(state) || state === "running") return state;
  if (record.expiresAt !== undefined && Number(record.retries ?? -1) < 0 && Number(record.expiresAt) <= nowMs)
    return "expired";
  if (state === "scheduled" && record.runAt !== undefined && Number(record.runAt) <= nowMs) return "queued";
  return state;
}

/** What Celery says. */
function toToldStatus(result: TaskResult | undefined): JobStatus | undefined {
  switch (result?.state) {
    case undefined:
      return undefined;
    case "PENDING":
    case "RECEIVED":
      return "queued";
    case "RETRY":
      return "scheduled";
    case "SUCCESS":
      return "succeeded";
    case "FAILURE":
      return "failed";
    case "REVOKED":
      return result.error?.message === "expired" ? "expired" : "canceled";
    default:
      return "running";
  }
}

/** What senders with `result_extended` have stored. */
function shown(result: TaskResult | undefined): Pick<RecordedJob, "task" | "queue"> {
  const { name, queue } = result?.extended ?? {};
  return { task: typeof name === "string" ? name : "", queue: typeof queue === "string" ? queue : "" };
}

/** A job that waits for another which has ended otherwise will never run. Celery says so when that one's message comes to a worker. */
export function withParts(job: Job, parts: ReadonlyMap<string, Job | undefined>): Job {
  if (job.status !== "scheduled" || job.after === undefined) return job;
  for (const id of job.after.ids) {
    const part = parts.get(id);
    if (part === undefined || !isFinal(part.status) || part.status === "succeeded") continue;
    return { ...job, status: "failed", error: chordPartFailed(id, part), endedAt: part.endedAt };
  }
  return job;
}
