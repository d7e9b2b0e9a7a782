import type { DeliveredJob, Job, JobDependencies, JobStatus, NewJob, TaskLimits } from "../../tasks/job.ts";

/** What of a job is looked at only when it is handed out or ends, as JSON in one column: equal for most jobs of a task. */
export interface JobSettings extends Pick<NewJob, "attempts" | "backoff" | "keepResultMs" | "keepFailedMs"> {
  readonly timeoutMs?: number | undefined;
  readonly delayMs?: number | undefined;
  readonly expiresMs?: number | undefined;
  readonly limits?: TaskLimits | undefined;
  readonly after?: JobDependencies | undefined;
}

export function toSettings(job: NewJob): string {
  const settings: JobSettings = {
    attempts: job.attempts,
    backoff: job.backoff,
    keepResultMs: job.keepResultMs,
    keepFailedMs: job.keepFailedMs,
    timeoutMs: job.timeoutMs,
    ...(job.delayMs > 0 && { delayMs: job.delayMs }),
    expiresMs: job.expiresMs,
    limits: job.limits,
    after: job.after,
  };
  return JSON.stringify(settings);
}

/** The columns that a list or a look at one job needs, of either table. */
export interface JobRow {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly state: JobStatus;
  readonly priority: number;
  readonly args: string;
  readonly settings: string;
  readonly meta: string;
  readonly unique_key: string | null;
  readonly attempt: number;
  readonly deliveries: number;
  readonly stored_at: number;
  readonly run_at: number | null;
  readonly expires_at: number | null;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly worker: string | null;
  readonly reason: string | null;
  readonly result: string | null;
  readonly error: string | null;
  readonly failures: string | null;
  readonly progress: string | null;
  readonly log: string | null;
}

const shared =
  "id, task, queue, state, priority, args, settings, meta, unique_key, attempt, deliveries, stored_at, run_at, expires_at, started_at, worker, reason, failures, progress, log";

/** Selects {@link JobRow}s of jobs that have not ended, and of those that have. */
export const selectJobs: string = `SELECT ${shared}, NULL AS ended_at, NULL AS result, NULL AS error FROM jobs`;
export const selectEnded: string = `SELECT ${shared}, ended_at, result, error FROM ended`;

const cache = new Map<string, JobSettings>();

/** Settings are parsed once as long as they are equal; there are few. */
export function parseSettings(text: string): JobSettings {
  let settings = cache.get(text);
  if (settings === undefined) {
    if (cache.size >= 500) cache.clear();
    cache.set(text, (settings = JSON.parse(text) as JobSettings));
  }
  return settings;
}

export function toJob(row: JobRow): Job {
  const { attempts, backoff, timeoutMs, after } = parseSettings(row.settings);
  return {
    id: row.id,
    task: row.task,
    queue: row.queue,
    args: row.args,
    priority: row.priority,
    uniqueKey: row.unique_key ?? undefined,
    attempts,
    backoff,
    timeoutMs,
    meta: parseMeta(row.meta),
    after,
    status: row.state,
    attempt: row.attempt,
    deliveries: row.deliveries,
    storedAt: row.stored_at,
    runAt: row.run_at ?? undefined,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    worker: row.worker ?? undefined,
    reason: row.reason ?? undefined,
    result: row.result ?? undefined,
    error: parse(row.error),
    failures: parse(row.failures) ?? [],
    progress: parse(row.progress),
    log: parse(row.log) ?? [],
  };
}

/** A job that is handed out, as it is selected by {@link deliveredColumns}. */
export type DeliveredRow = readonly [
  id: string,
  task: string,
  queue: string,
  args: string,
  settings: string,
  meta: string,
  attempt: number,
  deliveries: number,
  epoch: number,
];

export const deliveredColumns = "id, task, queue, args, settings, meta, attempt, deliveries, epoch";

export function toDelivered(row: DeliveredRow): DeliveredJob {
  const [id, task, queue, args, settings, meta, attempt, deliveries, epoch] = row;
  const { attempts, backoff, timeoutMs } = parseSettings(settings);
  return { id, task, queue, args, attempt, attempts, deliveries, backoff, timeoutMs, meta: parseMeta(meta), epoch };
}

function parseMeta(text: string): Readonly<Record<string, string>> {
  return text === "{}" ? {} : (JSON.parse(text) as Record<string, string>);
}

function parse<T>(text: string | null): T | undefined {
  return text === null ? undefined : (JSON.parse(text) as T);
}
