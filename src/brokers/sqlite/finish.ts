import { maxLogLines, type JobLogLine } from "../../tasks/job.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { WorkerInfo } from "../../tasks/broker.ts";
import type { Extension, Hold, Report } from "../pulled/store.ts";
import type { Core } from "./core.ts";
import { addFailure, end } from "./ending.ts";
import { succeed } from "./succeed.ts";

/** Endings as they are asked for: those that are successes, of which there are many, are flat and cross cheaply. */
export interface Endings {
  /** The id, the epoch and the result of each. */
  readonly succeeded: readonly (string | number)[];
  readonly others: readonly (Hold & { readonly ending: Ending })[];
}

/** For each ending, whether it was accepted. */
export interface Accepted {
  readonly succeeded: readonly boolean[] | "all";
  readonly others: readonly boolean[];
}

/** The job of a hold that still stands. */
const held = "SELECT reason, queue FROM afterword_jobs WHERE id = ? AND epoch = ? AND state = 'running'";

interface HeldRow {
  /** Why it shall be canceled. */
  readonly reason: string | null;
  readonly queue: string;
}

/** Stores endings whose hold still stands. */
export function finish(core: Core, { succeeded, others }: Endings): Accepted {
  return {
    succeeded: succeeded.length > 0 ? succeed(core, succeeded) : "all",
    others: others.map(({ id, epoch, ending }) => {
      const row = core.db.get<HeldRow>(held, id, epoch);
      if (row === undefined) return false;
      apply(core, id, ending, row);
      return true;
    }),
  };
}

function apply(core: Core, id: string, ending: Ending, { reason, queue }: HeldRow): void {
  const { db, now, tallies } = core;
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
      if (reason !== null) return end(core, id, { status: "canceled" });
      db.run(
        "UPDATE afterword_jobs SET state = ?, run_at = ?, deliveries = 0, lease_until = NULL WHERE id = ?",
        ending.delayMs > 0 ? "scheduled" : "queued",
        now + ending.delayMs,
        id,
      );
      tallies.move(queue, "running", ending.delayMs > 0 ? "scheduled" : "queued");
      break;
    case "released":
      if (reason !== null) return end(core, id, { status: "canceled" });
      db.run(
        `UPDATE afterword_jobs SET state = 'queued', lease_until = NULL, deliveries = deliveries - 1, attempt = attempt - (deliveries = 1)
         WHERE id = ?`,
        id,
      );
      tallies.move(queue, "running", "queued");
  }
  core.changed.push(id);
}

export interface ExtendRequest {
  readonly worker: WorkerInfo;
  readonly holds: readonly Hold[];
  readonly leaseMs: number;
}

/**
 * A sign of life of a worker: the leases of its jobs start anew. Those that are fresh are left alone: where several workers
 * hear of each other's changes, signs of life that change the file would call forth one another without end.
 */
export function extend({ db, now }: Core, { worker, holds, leaseMs }: ExtendRequest): Extension {
  const freshMs = Math.floor(leaseMs / 10);
  db.run(
    `INSERT INTO afterword_workers (id, host, pid, queues, slots, running, started_at, seen_at, lease_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, running = excluded.running, lease_ms = excluded.lease_ms
     WHERE seen_at + ? <= excluded.seen_at OR running <> excluded.running OR lease_ms <> excluded.lease_ms`,
    worker.id,
    worker.host,
    worker.pid,
    JSON.stringify(worker.queues),
    worker.slots,
    holds.length,
    now,
    now,
    leaseMs,
    freshMs,
  );
  db.run("DELETE FROM afterword_workers WHERE seen_at + 10 * lease_ms < ?", now);
  const lost: string[] = [];
  const canceled: { id: string; reason: string }[] = [];
  for (const { id, epoch } of holds) {
    const row = db.get<{ reason: string | null; lease_until: number }>(
      "SELECT reason, lease_until FROM afterword_jobs WHERE id = ? AND epoch = ? AND state = 'running'",
      id,
      epoch,
    );
    if (row !== undefined && row.lease_until < now + leaseMs - freshMs)
      db.run("UPDATE afterword_jobs SET lease_until = ? WHERE id = ?", now + leaseMs, id);
    if (row === undefined) lost.push(id);
    else if (row.reason !== null) canceled.push({ id, reason: row.reason });
  }
  return { lost, canceled };
}

/** What {@link extend} does for the leases alone. One that lasts longer already is left as it is. */
export function renew({ db, now }: Core, leases: readonly (Hold & { readonly leaseMs: number })[]): void {
  for (const { id, epoch, leaseMs } of leases)
    db.run(
      "UPDATE afterword_jobs SET lease_until = ?1 WHERE id = ?2 AND epoch = ?3 AND state = 'running' AND lease_until < ?1",
      now + leaseMs,
      id,
      epoch,
    );
}

/** Keeps what running jobs say of themselves. */
export function report(core: Core, reports: readonly Report[]): void {
  const { db, now } = core;
  for (const { id, epoch, progress, log } of reports) {
    const row = db.get<{ log: string | null }>(
      "SELECT log FROM afterword_jobs WHERE id = ? AND epoch = ? AND state = 'running'",
      id,
      epoch,
    );
    if (row === undefined) continue;
    if (progress)
      db.run("UPDATE afterword_jobs SET progress = ? WHERE id = ?", JSON.stringify({ ...progress, at: now }), id);
    if (log.length > 0) {
      const lines = row.log === null ? [] : (JSON.parse(row.log) as JobLogLine[]);
      for (const line of log) lines.push({ at: now, line });
      db.run("UPDATE afterword_jobs SET log = ? WHERE id = ?", JSON.stringify(lines.slice(-maxLogLines)), id);
    }
    core.changed.push(id);
  }
}
