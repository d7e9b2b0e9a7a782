import {
  isFinal,
  maxFailedAttempts,
  maxLogLines,
  type Backoff,
  type DeliveredJob,
  type FailedAttempt,
  type Job,
  type JobDependencies,
  type JobErrorData,
  type JobLogLine,
  type JobProgress,
  type JobStatus,
  type NewJob,
  type TaskLimits,
} from "../../tasks/job.ts";
import type { Timed } from "./deadlines.ts";
import type { PlaceQueue } from "./place-queue.ts";
import type { QueueRecord } from "./queue-record.ts";
import type { TaskLimit } from "./task-limit.ts";

const nothing: readonly never[] = Object.freeze([]);
const noMeta: Readonly<Record<string, string>> = Object.freeze({});

/** A job in memory. It shares no object with whoever stored it, and what it hands out cannot be changed. */
export class JobRecord implements Timed {
  readonly id: string;
  readonly task: string;
  readonly queue: QueueRecord;
  readonly priority: number;
  readonly uniqueKey: string | undefined;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly timeoutMs: number | undefined;
  readonly limits: TaskLimits | undefined;
  readonly meta: Readonly<Record<string, string>>;
  readonly after: JobDependencies | undefined;
  readonly delayMs: number;
  readonly keepResultMs: number;
  readonly keepFailedMs: number;
  /** Its place in the order of storing. */
  readonly place: number;
  readonly storedAt: number;
  args: string;
  status: JobStatus = "scheduled";
  attempt = 0;
  deliveries = 0;
  epoch = 0;
  runAt: number | undefined = undefined;
  startedAt: number | undefined = undefined;
  endedAt: number | undefined = undefined;
  expiresAt: number | undefined;
  worker: string | undefined = undefined;
  reason: string | undefined = undefined;
  result: string | undefined = undefined;
  error: JobErrorData | undefined = undefined;
  failures: readonly FailedAttempt[] = nothing;
  progress: JobProgress | undefined = undefined;
  log: readonly JobLogLine[] = nothing;
  /** What it waits for and has: results by the ids of the jobs; `undefined` when it does not wait for others, or not any more. */
  parts: Map<string, string> | undefined;
  /** How many jobs it waits for in all. */
  readonly partCount: number;
  /** Those that wait for it, or have failed because it did. */
  dependents: Set<JobRecord> | undefined = undefined;
  /** Whether it has failed because one that it waited for has. */
  hasFailedByPart = false;
  leaseEndAt = 0;
  /** Where it is queued. */
  line: PlaceQueue | undefined = undefined;
  limit: TaskLimit | undefined = undefined;
  deadlineIndex = -1;
  /** Its place among those that run. */
  runningIndex = -1;
  /** Whether it is not known any more. */
  isForgotten = false;
  newer: JobRecord | undefined = undefined;
  older: JobRecord | undefined = undefined;

  constructor(job: NewJob, after: JobDependencies | undefined, queue: QueueRecord, place: number, now: number) {
    this.id = job.id;
    this.task = job.task;
    this.queue = queue;
    this.priority = job.priority;
    this.uniqueKey = job.uniqueKey;
    this.attempts = job.attempts;
    this.backoff = frozenBackoff(job.backoff);
    this.timeoutMs = job.timeoutMs;
    this.limits = job.limits && Object.freeze({ ...job.limits });
    this.meta = frozenMeta(job.meta);
    this.after = after && Object.freeze({ ids: Object.freeze([...after.ids]), pass: after.pass });
    this.delayMs = job.delayMs;
    this.keepResultMs = job.keepResultMs;
    this.keepFailedMs = job.keepFailedMs;
    this.place = place;
    this.storedAt = now;
    this.args = job.args;
    this.expiresAt = job.expiresMs === undefined ? undefined : now + job.expiresMs;
    this.parts = after && new Map();
    this.partCount = after === undefined ? 0 : new Set(after.ids).size;
  }

  get isFinal(): boolean {
    return isFinal(this.status);
  }

  /** Whether it waits for other jobs. */
  get isParked(): boolean {
    return this.parts !== undefined && this.status === "scheduled";
  }

  /** When it expires, if it was never started. */
  get expiryAt(): number {
    return this.startedAt === undefined && this.expiresAt !== undefined ? this.expiresAt : Infinity;
  }

  /** When it is forgotten, after its end. */
  get forgetAt(): number {
    return this.endedAt! + (this.status === "failed" ? this.keepFailedMs : this.keepResultMs);
  }

  addFailure(error: JobErrorData, at: number): void {
    const kept = this.failures.slice(1 - maxFailedAttempts);
    this.failures = Object.freeze([...kept, Object.freeze({ ...error, attempt: this.attempt, at })]);
  }

  addLines(lines: readonly string[], at: number): void {
    const added = lines.map((line): JobLogLine => Object.freeze({ at, line }));
    this.log = Object.freeze([...this.log, ...added].slice(-maxLogLines));
  }

  toJob(): Job {
    return {
      id: this.id,
      task: this.task,
      queue: this.queue.name,
      args: this.args,
      priority: this.priority,
      uniqueKey: this.uniqueKey,
      attempts: this.attempts,
      backoff: this.backoff,
      timeoutMs: this.timeoutMs,
      limits: this.limits,
      keepResultMs: this.keepResultMs,
      keepFailedMs: this.keepFailedMs,
      meta: this.meta,
      after: this.after,
      status: this.status,
      attempt: this.attempt,
      deliveries: this.deliveries,
      storedAt: this.storedAt,
      runAt: this.runAt,
      startedAt: this.startedAt,
      endedAt: this.endedAt,
      expiresAt: this.expiresAt,
      worker: this.worker,
      reason: this.reason,
      result: this.result,
      error: this.error,
      failures: this.failures,
      progress: this.progress,
      log: this.log,
    };
  }

  toDelivered(): DeliveredJob {
    return {
      id: this.id,
      task: this.task,
      queue: this.queue.name,
      args: this.args,
      attempt: this.attempt,
      attempts: this.attempts,
      deliveries: this.deliveries,
      backoff: this.backoff,
      timeoutMs: this.timeoutMs,
      meta: this.meta,
      epoch: this.epoch,
    };
  }
}

let lastBackoff: Backoff = Object.freeze({ baseMs: 0, factor: 1, maxMs: 0, jitter: false });

/** Jobs that are stored one after the other mostly have the same. */
function frozenBackoff({ baseMs, factor, maxMs, jitter }: Backoff): Backoff {
  const last = lastBackoff;
  const isSame = last.baseMs === baseMs && last.factor === factor && last.maxMs === maxMs && last.jitter === jitter;
  return isSame ? last : (lastBackoff = Object.freeze({ baseMs, factor, maxMs, jitter }));
}

function frozenMeta(meta: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const _ in meta) return Object.freeze({ ...meta });
  return noMeta;
}
