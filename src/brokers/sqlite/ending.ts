import {
  maxFailedAttempts,
  type FailedAttempt,
  type FinalStatus,
  type JobErrorData,
  type JobStatus,
} from "../../tasks/job.ts";
import type { Core } from "./core.ts";
import { parseSettings } from "../pulled/job-settings.ts";

/** How a job ends, and what is kept of it. */
export interface FinalEnding {
  readonly status: FinalStatus;
  readonly result?: string | undefined;
  readonly error?: JobErrorData | undefined;
  readonly reason?: string | undefined;
  readonly failedByPart?: boolean | undefined;
}

/** Moves a job to those that have ended. Whether it may end so was decided before. */
export function end(core: Core, id: string, ending: FinalEnding): void {
  const { db, now } = core;
  const { status, result, error, reason, failedByPart = false } = ending;
  const { settings } = db.get<{ settings: string }>("SELECT settings FROM afterword_jobs WHERE id = ?", id)!;
  const { keepResultMs, keepFailedMs } = parseSettings(settings);
  db.run(
    `INSERT INTO afterword_ended (id, task, queue, state, priority, args, settings, meta, unique_key, failed_by_part, attempt, deliveries,
       epoch, stored_at, run_at, expires_at, started_at, ended_at, forget_at, worker, reason, result, error, failures, progress, log)
     SELECT id, task, queue, ?, priority, args, settings, meta, unique_key, ?, attempt, deliveries,
       epoch, stored_at, run_at, expires_at, started_at, ?, ?, worker, coalesce(?, reason), ?, ?, failures, progress, log
     FROM afterword_jobs WHERE id = ?`,
    status,
    failedByPart ? 1 : 0,
    now,
    now + (status === "failed" ? keepFailedMs : keepResultMs),
    reason ?? null,
    result ?? null,
    error === undefined ? null : JSON.stringify(error),
    id,
  );
  const row = db.get<{ is_part: number; queue: string; state: JobStatus }>(
    "DELETE FROM afterword_jobs WHERE id = ? RETURNING is_part, queue, state",
    id,
  )!;
  core.tallies.move(row.queue, row.state, status);
  core.changed.push(id);
  if (row.is_part === 1) core.endedParts.push({ id, ending });
}

/** Keeps the error of an attempt. */
export function addFailure({ db, now }: Core, id: string, error: JobErrorData): void {
  const row = db.get<{ failures: string | null; attempt: number }>(
    "SELECT failures, attempt FROM afterword_jobs WHERE id = ?",
    id,
  )!;
  const failures = row.failures === null ? [] : (JSON.parse(row.failures) as FailedAttempt[]);
  failures.push({ ...error, attempt: row.attempt, at: now });
  db.run("UPDATE afterword_jobs SET failures = ? WHERE id = ?", JSON.stringify(failures.slice(-maxFailedAttempts)), id);
}
