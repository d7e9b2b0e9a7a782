import { maxLogLines, type JobLogLine } from "../../tasks/job.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { WorkerInfo } from "../../tasks/broker.ts";
import type { Extension, Hold, Report } from "../embedded/store.ts";
import type { Core } from "./core.ts";
import { addFailure, end } from "./ending.ts";

/** The job of a hold that still stands. */
const held = "SELECT reason, deliveries FROM jobs WHERE id = ? AND epoch = ? AND state = 'running'";

/** Stores endings whose hold still stands. */
export function finish(core: Core, endings: readonly (Hold & { readonly ending: Ending })[]): readonly boolean[] {
  return endings.map(({ id, epoch, ending }) => {
    const row = core.db.get<{ reason: string | null }>(held, id, epoch);
    if (row === undefined) return false;
    apply(core, id, ending, row.reason !== null);
    return true;
  });
}

function apply(core: Core, id: string, ending: Ending, isCancelRequested: boolean): void {
  const { db, now } = core;
  switch (ending.status) {
    case "succeeded":
      return end(core, id, { status: "succeeded", result: ending.result });
    case "failed":
      addFailure(core, id, ending.error);
      return end(core, id, ending);
    case "canceled":
      return end(core, id, ending);
    case "retry":
      addFailure(core, id, ending.error);
      if (isCancelRequested) return end(core, id, { status: "canceled" });
      db.run(
        "UPDATE jobs SET state = ?, run_at = ?, deliveries = 0, lease_until = NULL WHERE id = ?",
        ending.delayMs > 0 ? "scheduled" : "queued",
        now + ending.delayMs,
        id,
      );
      break;
    case "released":
      if (isCancelRequested) return end(core, id, { status: "canceled" });
      db.run(
        `UPDATE jobs SET state = 'queued', lease_until = NULL, deliveries = deliveries - 1, attempt = attempt - (deliveries = 1)
         WHERE id = ?`,
        id,
      );
  }
  core.changed.push(id);
}

/** A sign of life of a worker: the leases of its jobs start anew. */
export function extend(
  { db, now }: Core,
  { worker, holds, leaseMs }: { readonly worker: WorkerInfo; readonly holds: readonly Hold[]; readonly leaseMs: number },
): Extension {
  db.run(
    `INSERT INTO workers (id, host, pid, queues, slots, running, started_at, seen_at, lease_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, running = excluded.running`,
    worker.id,
    worker.host,
    worker.pid,
    JSON.stringify(worker.queues),
    worker.slots,
    holds.length,
    now,
    now,
    leaseMs,
  );
  db.run("DELETE FROM workers WHERE seen_at + 10 * lease_ms < ?", now);
  const lost: string[] = [];
  const canceled: { id: string; reason: string }[] = [];
  for (const { id, epoch } of holds) {
    const row = db.get<{ reason: string | null }>(
      "UPDATE jobs SET lease_until = ? WHERE id = ? AND epoch = ? AND state = 'running' RETURNING reason",
      now + leaseMs,
      id,
      epoch,
    );
    if (row === undefined) lost.push(id);
    else if (row.reason !== null) canceled.push({ id, reason: row.reason });
  }
  return { lost, canceled };
}

/** Keeps what running jobs say of themselves. */
export function report(core: Core, reports: readonly Report[]): void {
  const { db, now } = core;
  for (const { id, epoch, progress, log } of reports) {
    const row = db.get<{ log: string | null }>("SELECT log FROM jobs WHERE id = ? AND epoch = ? AND state = 'running'", id, epoch);
    if (row === undefined) continue;
    if (progress) db.run("UPDATE jobs SET progress = ? WHERE id = ?", JSON.stringify({ ...progress, at: now }), id);
    if (log.length > 0) {
      const lines = row.log === null ? [] : (JSON.parse(row.log) as JobLogLine[]);
      for (const line of log) lines.push({ at: now, line });
      db.run("UPDATE jobs SET log = ? WHERE id = ?", JSON.stringify(lines.slice(-maxLogLines)), id);
    }
    core.changed.push(id);
  }
}
