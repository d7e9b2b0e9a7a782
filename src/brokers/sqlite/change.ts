import type { CancelResult } from "../../tasks/broker.ts";
import type { FinalStatus } from "../../tasks/job.ts";
import type { Core } from "./core.ts";
import { end } from "./ending.ts";
import { isComplete } from "./parts.ts";
import { forget } from "./retention.ts";

export function cancel(core: Core, ids: readonly string[], reason: string): readonly CancelResult[] {
  const { db } = core;
  return ids.map((id) => {
    const row = db.get<{ state: string }>("SELECT state FROM jobs WHERE id = ?", id);
    if (row === undefined) return core.hasEnded(id) ? "ended" : "unknown";
    core.changed.push(id);
    if (row.state !== "running") {
      end(core, id, { status: "canceled", reason });
      return "canceled";
    }
    // Of a job that runs, the reason is what tells its worker.
    db.run("UPDATE jobs SET reason = coalesce(reason, ?) WHERE id = ?", reason, id);
    return "requested";
  });
}

export function retry(core: Core, ids: readonly string[]): readonly boolean[] {
  return ids.map((id) => reopen(core, id));
}

function reopen(core: Core, id: string): boolean {
  const { db, now } = core;
  const row = db.get<{ state: FinalStatus; task: string; unique_key: string | null }>(
    "SELECT state, task, unique_key FROM ended WHERE id = ?",
    id,
  );
  if (row === undefined || row.state === "succeeded") return false;
  const isKeyTaken =
    row.unique_key !== null &&
    db.get("SELECT 1 FROM jobs WHERE task = ? AND unique_key = ?", row.task, row.unique_key) !== undefined;
  if (isKeyTaken) return false;
  const isReady = isComplete(core, id);
  db.run(
    `INSERT INTO jobs (id, task, queue, lane, state, priority, args, settings, meta, unique_key, is_part, epoch, stored_at, run_at,
       started_at, worker, failures, progress, log)
     SELECT id, task, queue, iif(settings ->> '$.limits' IS NULL, '', task), ?, priority, args, settings, meta, unique_key,
       EXISTS (SELECT 1 FROM parts WHERE part = id), epoch, stored_at, ?, started_at, worker, failures, progress, log
     FROM ended WHERE id = ?`,
    isReady ? "queued" : "scheduled",
    isReady ? now : null,
    id,
  );
  db.run("DELETE FROM ended WHERE id = ?", id);
  core.changed.push(id);
  const dependents = db.all<{ id: string }>(
    "SELECT ended.id FROM parts JOIN ended ON ended.id = parts.job WHERE parts.part = ? AND ended.failed_by_part = 1",
    id,
  );
  for (const dependent of dependents) reopen(core, dependent.id);
  return true;
}

export function remove(core: Core, ids: readonly string[]): readonly boolean[] {
  return ids.map((id) => {
    const row = core.db.get<{ state: string }>("SELECT state FROM jobs WHERE id = ?", id);
    if (row?.state === "running") return false;
    if (row) end(core, id, { status: "canceled", reason: "it was removed" });
    core.changed.push(id);
    return forget(core, id);
  });
}

export function purge(
  core: Core,
  request: {
    readonly statuses: readonly FinalStatus[];
    readonly queue?: string | undefined;
    readonly task?: string | undefined;
    readonly olderThanMs?: number | undefined;
  },
): number {
  const { statuses, queue, task, olderThanMs = 0 } = request;
  const where = `state IN (SELECT value FROM json_each(?)) AND (?2 IS NULL OR queue = ?2) AND (?3 IS NULL OR task = ?3) AND ended_at <= ?4`;
  const values = [JSON.stringify(statuses), queue ?? null, task ?? null, core.now - olderThanMs] as const;
  core.db.run(`DELETE FROM parts WHERE job IN (SELECT id FROM ended WHERE ${where})`, ...values);
  return core.db.run(`DELETE FROM ended WHERE ${where}`, ...values);
}
