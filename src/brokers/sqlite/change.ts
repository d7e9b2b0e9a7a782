import type { CancelResult } from "../../tasks/broker.ts";
import type { FinalStatus } from "../../tasks/job.ts";
import type { Core } from "./core.ts";
import { end } from "./ending.ts";
import { settleWaiting } from "./parts.ts";
import { forget } from "./retention.ts";

export function cancel(core: Core, ids: readonly string[], reason: string): readonly CancelResult[] {
  const { db } = core;
  return ids.map((id) => {
    const row = db.get<{ state: string }>("SELECT state FROM afterword_jobs WHERE id = ?", id);
    if (row === undefined) return core.hasEnded(id) ? "ended" : "unknown";
    core.changed.push(id);
    if (row.state !== "running") {
      end(core, id, { status: "canceled", reason });
      return "canceled";
    }
    // Of a job that runs, the reason is what tells its worker.
    db.run("UPDATE afterword_jobs SET reason = coalesce(reason, ?) WHERE id = ?", reason, id);
    return "requested";
  });
}

interface EndedRow {
  readonly state: FinalStatus;
  readonly queue: string;
  readonly task: string;
  readonly unique_key: string | null;
  readonly was_waiting: number;
}

export function retry(core: Core, ids: readonly string[]): readonly boolean[] {
  return ids.map((id) => {
    const waiting: string[] = [];
    if (!reopen(core, id, waiting)) return false;
    // A list and no recursion, since chains can be long. When all are there, each finds out how those are that it waits for.
    reopenDependents(core, id, waiting);
    for (const job of waiting) settleWaiting(core, job);
    return true;
  });
}

function reopenDependents(core: Core, part: string, waiting: string[]): void {
  const queue = [part];
  for (const each of queue)
    for (const { id } of core.db.all<{ id: string }>(
      "SELECT afterword_ended.id FROM afterword_parts JOIN afterword_ended ON afterword_ended.id = afterword_parts.job WHERE afterword_parts.part = ? AND afterword_ended.failed_by_part = 1",
      each,
    ))
      if (reopen(core, id, waiting)) queue.push(id);
}

/** @param waiting - gets the job if it waits for others */
function reopen(core: Core, id: string, waiting: string[]): boolean {
  const { db, now, tallies } = core;
  const row = db.get<EndedRow>(
    `SELECT state, queue, task, unique_key,
       run_at IS NULL AND EXISTS (SELECT 1 FROM afterword_parts WHERE job = afterword_ended.id) AS was_waiting
     FROM afterword_ended WHERE id = ?`,
    id,
  );
  if (row === undefined || row.state === "succeeded") return false;
  const isKeyTaken =
    row.unique_key !== null &&
    db.get("SELECT 1 FROM afterword_jobs WHERE task = ? AND unique_key = ?", row.task, row.unique_key) !== undefined;
  if (isKeyTaken) return false;
  const isWaiting = row.was_waiting === 1;
  const state = isWaiting ? "scheduled" : "queued";
  db.run(
    `INSERT INTO afterword_jobs (id, task, queue, lane, state, priority, args, settings, meta, unique_key, is_part, epoch, stored_at, run_at,
       started_at, worker, failures, progress, log)
     SELECT id, task, queue, iif(settings ->> '$.limits' IS NULL, '', task), ?, priority, args, settings, meta, unique_key,
       EXISTS (SELECT 1 FROM afterword_parts WHERE part = id), epoch, stored_at, ?, started_at, worker, failures, progress, log
     FROM afterword_ended WHERE id = ?`,
    state,
    isWaiting ? null : now,
    id,
  );
  db.run("DELETE FROM afterword_ended WHERE id = ?", id);
  tallies.move(row.queue, row.state, state);
  core.changed.push(id);
  if (isWaiting) waiting.push(id);
  return true;
}

export function remove(core: Core, ids: readonly string[]): readonly boolean[] {
  return ids.map((id) => {
    const row = core.db.get<{ state: string }>("SELECT state FROM afterword_jobs WHERE id = ?", id);
    if (row?.state === "running") return false;
    if (row) end(core, id, { status: "canceled", reason: "it was removed" });
    core.changed.push(id);
    return forget(core, id);
  });
}

/** What of the ended jobs is to be forgotten; a part of it at a time, since a long transaction stops everybody else. */
export interface PurgeRequest {
  readonly state: FinalStatus;
  readonly queue: string | undefined;
  readonly task: string | undefined;
  readonly olderThanMs: number;
  /** Where the last part has ended. */
  readonly after: string;
}

export interface Purged {
  readonly count: number;
  /** Where the next part begins; `undefined` at the end. */
  readonly next: string | undefined;
}

/** So many jobs are looked at in one transaction. */
const purgedAtOnce = 2_000;

export function purge(core: Core, { state, queue, task, olderThanMs, after }: PurgeRequest): Purged {
  const { db, now } = core;
  // Only those that have not succeeded have an index of their own; the others are most of the table.
  const states = state === "succeeded" ? "" : "state = ?5 AND state <> 'succeeded' AND ";
  const rows = db.all<{ id: string; isMeant: number }>(
    `SELECT id, state = ?5 AND (?1 IS NULL OR queue = ?1) AND (?2 IS NULL OR task = ?2) AND ended_at <= ?3 AS isMeant
     FROM afterword_ended WHERE ${states}id > ?4 ORDER BY id LIMIT ${purgedAtOnce}`,
    queue ?? null,
    task ?? null,
    now - olderThanMs,
    after,
    state,
  );
  let count = 0;
  for (const { id, isMeant } of rows) if (isMeant === 1 && forget(core, id)) count++;
  return { count, next: rows.length === purgedAtOnce ? rows.at(-1)!.id : undefined };
}
