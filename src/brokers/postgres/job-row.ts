import type {
  DeliveredJob,
  FailedAttempt,
  Job,
  JobErrorData,
  JobLogLine,
  JobProgress,
  JobStatus,
} from "../../tasks/job.ts";
import type { JobSettings } from "../pulled/job-settings.ts";
import { ms } from "./core.ts";
import type { Tables } from "./options.ts";

/** What pg-boss keeps as the data of a job. */
export interface JobData {
  readonly task: string;
  /** As it was given: jsonb would put keys in another order. */
  readonly args: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly options: JobSettings;
}

/** How a job stands: in the column `trace_context`, which pg-boss hands to workers of its own and shows nobody. */
export interface JobRun {
  readonly attempt: number;
  readonly deliveries: number;
  readonly worker?: string;
  readonly maxDeliveries?: number;
  readonly expiresAt?: number;
  readonly reason?: string;
  readonly failedByPart?: boolean;
}

/** What pg-boss keeps as the output: the result as a text, an error, or why it was not run. */
interface JobOutput extends Partial<JobErrorData> {
  readonly value?: string;
  readonly reason?: string;
  readonly expired?: boolean;
}

export type BossState = "created" | "retry" | "active" | "completed" | "cancelled" | "failed";

/** The columns that a list or a look at one job needs. */
export interface JobRow {
  readonly id: string;
  readonly queue: string;
  readonly priority: number;
  readonly data: JobData;
  readonly state: BossState;
  readonly blocked: boolean;
  readonly is_delayed: boolean;
  readonly key: string | null;
  readonly output: JobOutput | null;
  readonly run: JobRun;
  readonly stored_at: number;
  readonly run_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly failures: string | null;
  readonly progress: string | null;
  readonly log: string | null;
}

/** The columns of {@link JobRow}, where `j` is the job, `q` its queue and `n` its notes. */
export const jobColumns: string = `j.id, q.queue, j.priority, j.data, j.state, j.blocked, j.start_after > now() AS is_delayed,
  j.singleton_key AS key, j.output, j.trace_context AS run, ${ms("j.created_on")} AS stored_at, ${ms("j.start_after")} AS run_at,
  ${ms("j.started_on")} AS started_at, ${ms("j.completed_on")} AS ended_at, n.failures, n.progress, n.log`;

export function jobTables({ own, jobs }: Tables): string {
  return `${own}.queues q JOIN ${jobs} j ON j.name = q.name LEFT JOIN ${own}.notes n ON n.job = j.id`;
}

/** Whether a job has not been kept for its time: pg-boss deletes it some day. */
export const isKept = "(j.completed_on IS NULL OR j.completed_on + j.deletion_seconds * interval '1s' > now())";

/** The status in SQL. */
export const statusOf = `CASE j.state
  WHEN 'active' THEN 'running' WHEN 'completed' THEN 'succeeded' WHEN 'failed' THEN 'failed'
  WHEN 'cancelled' THEN CASE WHEN j.output ? 'expired' THEN 'expired' ELSE 'canceled' END
  ELSE CASE WHEN j.blocked OR j.start_after > now() THEN 'scheduled' ELSE 'queued' END END`;

export function toStatus({ state, blocked, is_delayed, output }: JobRow): JobStatus {
  switch (state) {
    case "created":
    case "retry":
      return blocked || is_delayed ? "scheduled" : "queued";
    case "active":
      return "running";
    case "completed":
      return "succeeded";
    case "cancelled":
      return output?.expired === true ? "expired" : "canceled";
    case "failed":
      return "failed";
  }
}

export function toJob(row: JobRow): Job {
  const { data, run, output } = row;
  const { attempts, backoff, timeoutMs, keepResultMs, keepFailedMs, limits, after } = data.options;
  const status = toStatus(row);
  return {
    id: row.id,
    task: data.task,
    queue: row.queue,
    args: data.args,
    priority: row.priority,
    uniqueKey: row.key ?? undefined,
    attempts,
    backoff,
    timeoutMs,
    limits: limits && { maxRunning: limits.maxRunning, rate: limits.rate },
    keepResultMs,
    keepFailedMs,
    meta: data.meta ?? {},
    after,
    status,
    attempt: run.attempt,
    deliveries: run.deliveries,
    storedAt: row.stored_at,
    runAt: row.blocked ? undefined : row.run_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    expiresAt: run.expiresAt,
    worker: run.worker,
    reason: output?.reason ?? run.reason,
    result: status === "succeeded" ? output?.value : undefined,
    error: status === "failed" ? toError(output) : undefined,
    failures: parse<readonly FailedAttempt[]>(row.failures) ?? [],
    progress: parse<JobProgress>(row.progress),
    log: parse<readonly JobLogLine[]>(row.log) ?? [],
  };
}

function toError(output: JobOutput | null): JobErrorData {
  const { name = "Error", message = "", code, stack } = output ?? {};
  return { name, message, ...(code !== undefined && { code }), ...(stack !== undefined && { stack }) };
}

/** A job that is handed out. */
export interface DeliveredRow {
  readonly id: string;
  readonly name: string;
  readonly data: JobData;
  readonly run: JobRun;
  readonly epoch: number;
}

export function toDelivered({ id, data, run, epoch }: DeliveredRow, queue: string): DeliveredJob {
  const { attempts, backoff, timeoutMs } = data.options;
  const { attempt, deliveries } = run;
  const { task, args, meta = {} } = data;
  return { id, task, queue, args, attempt, attempts, deliveries, backoff, timeoutMs, meta, epoch };
}

function parse<T>(text: string | null): T | undefined {
  return text === null ? undefined : (JSON.parse(text) as T);
}
