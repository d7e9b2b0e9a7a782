import type { DeliveredJob, Job, JobStatus } from "../../tasks/job.ts";
import { parseMeta, parseSettings } from "../pulled/job-settings.ts";

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
export const selectJobs: string = `SELECT ${shared}, NULL AS ended_at, NULL AS result, NULL AS error FROM afterword_jobs`;
export const selectEnded: string = `SELECT ${shared}, ended_at, result, error FROM afterword_ended`;

export function toJob(row: JobRow): Job {
  const { attempts, backoff, timeoutMs, limits, keepResultMs, keepFailedMs, after } = parseSettings(row.settings);
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
    limits,
    keepResultMs,
    keepFailedMs,
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

function parse<T>(text: string | null): T | undefined {
  return text === null ? undefined : (JSON.parse(text) as T);
}
