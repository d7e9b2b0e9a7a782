import { maxFailedAttempts, type FailedAttempt, type FinalStatus, type JobErrorData } from "../../tasks/job.ts";
import { clean, ms, type Core } from "./core.ts";

/** How a job ends, and what is kept of it. */
export interface FinalEnding {
  readonly status: FinalStatus;
  readonly result?: string | undefined;
  readonly error?: JobErrorData | undefined;
  readonly reason?: string | undefined;
  readonly failedByPart?: boolean | undefined;
}

const states = { succeeded: "completed", failed: "failed", canceled: "cancelled", expired: "cancelled" } as const;

/** Ends a job whose row is locked. Whether it may end so was decided before. */
export async function end(core: Core, id: string, ending: FinalEnding): Promise<void> {
  const { jobs, own } = core.tables;
  const keep = ending.status === "failed" ? "keepFailedMs" : "keepResultMs";
  const [row] = await core.rows<{ blocking: boolean; key: string | null }>(
    `UPDATE ${jobs} SET state = $2::text::${core.tables.boss}.job_state, completed_on = now(), heartbeat_on = NULL,
       output = CASE WHEN $5 THEN jsonb_build_object('reason', trace_context -> 'reason') ELSE '{}'::jsonb END || $3::text::jsonb,
       trace_context = trace_context || $4::text::jsonb,
       deletion_seconds = greatest(1, least(2147483647, ceil((data -> 'options' ->> $6::text)::float8 / 1000)))::integer
     WHERE name IN ${core.ours} AND id = $1
     RETURNING blocking, singleton_key AS key`,
    id,
    states[ending.status],
    JSON.stringify(toOutput(ending)),
    JSON.stringify(ending.failedByPart === true ? { failedByPart: true } : {}),
    ending.status === "canceled" && ending.reason === undefined,
    keep,
  );
  if (row === undefined) return;
  core.changed.push(id);
  if (row.key !== null) await core.rows(`DELETE FROM ${own}.keys WHERE job = $1`, id);
  if (row.blocking) core.endedParts.push({ id, ending });
}

function toOutput({ status, result, error, reason }: FinalEnding): object {
  if (status === "succeeded") return { value: clean(result!) };
  if (status === "failed") return cleanError(error!);
  return { ...(reason !== undefined && { reason: clean(reason) }), ...(status === "expired" && { expired: true }) };
}

function cleanError({ name, message, code, stack }: JobErrorData): JobErrorData {
  return {
    name: clean(name),
    message: clean(message),
    code: code === undefined ? undefined : clean(code),
    stack: stack === undefined ? undefined : clean(stack),
  };
}

/** Keeps the error of an attempt. */
export async function addFailure(core: Core, id: string, attempt: number, error: JobErrorData): Promise<void> {
  const { own } = core.tables;
  const [row] = await core.rows<{ failures: string | null; at: number }>(
    `SELECT (SELECT failures FROM ${own}.notes WHERE job = $1) AS failures, ${ms("now()")} AS at`,
    id,
  );
  const failures = row!.failures === null ? [] : (JSON.parse(row!.failures) as FailedAttempt[]);
  failures.push({ ...error, attempt, at: row!.at });
  await core.rows(
    `INSERT INTO ${own}.notes (job, failures) VALUES ($1, $2) ON CONFLICT (job) DO UPDATE SET failures = $2`,
    id,
    JSON.stringify(failures.slice(-maxFailedAttempts)),
  );
}
