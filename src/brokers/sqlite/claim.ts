import { workerLost } from "../embedded/part-results.ts";
import type { Core } from "./core.ts";
import { end } from "./ending.ts";
import type { DeliveredRow } from "./job-row.ts";
import { forgetEnded } from "./retention.ts";

export interface ClaimRequest {
  readonly worker: string;
  readonly queues: readonly string[];
  readonly count: number;
  readonly leaseMs: number;
  readonly maxDeliveries: number;
}

/** What a claim gave, as rows: they cross from the thread. */
export interface ClaimRows {
  readonly rows: readonly DeliveredRow[];
  readonly nextMs: number | undefined;
}

/** So many jobs of dead workers are taken back in one claim; the next one goes on. */
const maxPerClaim = 1_000;

/** Takes up to `count` jobs that may run. */
export function claim(core: Core, request: ClaimRequest): ClaimRows {
  takeBack(core, request.maxDeliveries);
  forgetEnded(core);
  const rows = candidates(core, request).map(({ place, lane }) => {
    if (lane !== "") core.db.run("INSERT INTO starts (lane, at) SELECT lane, ? FROM lanes WHERE lane = ? AND rate_limit IS NOT NULL", core.now, lane);
    return start(core, place, request);
  });
  for (const { id } of rows) core.changed.push(id);
  return { rows, nextMs: nextMs(core) };
}

function start({ db, now }: Core, place: number, { worker, leaseMs }: ClaimRequest): DeliveredRow {
  return db.get<DeliveredRow>(
    `UPDATE jobs SET state = 'running', worker = ?, epoch = epoch + 1, deliveries = deliveries + 1,
       attempt = attempt + (deliveries = 0), started_at = ?, lease_until = ?
     WHERE place = ?
     RETURNING id, task, queue, args, settings, meta, attempt, deliveries, epoch`,
    worker,
    now,
    now + leaseMs,
    place,
  )!;
}

interface Candidate {
  readonly place: number;
  readonly priority: number;
  readonly lane: string;
}

/** The next jobs of each queue and lane that has room, merged: the highest priority first, then the oldest. */
function candidates(core: Core, { queues, count }: ClaimRequest): Candidate[] {
  const { db } = core;
  const paused = new Set(db.all<{ queue: string }>("SELECT queue FROM paused").map(({ queue }) => queue));
  const rooms = [{ lane: "", room: count }, ...lanesWithRoom(core)];
  const found: Candidate[] = [];
  const open = queues.filter((queue) => !paused.has(queue));
  for (const { lane, room } of rooms) {
    // A lane may have jobs in several queues: its room is for all of them together.
    const ofLane: Candidate[] = [];
    for (const queue of open)
      for (const row of db.all<{ place: number; priority: number }>(nextOfLane, queue, lane, Math.min(room, count)))
        ofLane.push({ ...row, lane });
    found.push(...(open.length > 1 ? ofLane.sort(byTurn).slice(0, room) : ofLane));
  }
  return rooms.length > 1 || open.length > 1 ? found.sort(byTurn).slice(0, count) : found;
}

/** Read from the index `jobs_ready` alone: its cost does not grow with the number of jobs that wait. */
export const nextOfLane = `SELECT place, priority FROM jobs WHERE state = 'queued' AND queue = ? AND lane = ?
   ORDER BY priority DESC, place LIMIT ?`;

function byTurn(a: Candidate, b: Candidate): number {
  return b.priority - a.priority || a.place - b.place;
}

interface LaneRow {
  readonly lane: string;
  readonly max_running: number | null;
  readonly rate_limit: number | null;
  readonly rate_ms: number | null;
}

function lanesWithRoom({ db, now }: Core): { lane: string; room: number }[] {
  return db.all<LaneRow>("SELECT lane, max_running, rate_limit, rate_ms FROM lanes").flatMap((row) => {
    let room = Infinity;
    if (row.max_running !== null) {
      const { running } = db.get<{ running: number }>(
        "SELECT count(*) AS running FROM jobs WHERE state = 'running' AND lane <> '' AND lane = ?",
        row.lane,
      )!;
      room = row.max_running - running;
    }
    if (row.rate_limit !== null) {
      db.run("DELETE FROM starts WHERE lane = ? AND at <= ?", row.lane, now - row.rate_ms!);
      const { started } = db.get<{ started: number }>("SELECT count(*) AS started FROM starts WHERE lane = ?", row.lane)!;
      room = Math.min(room, row.rate_limit - started);
    }
    return room > 0 ? [{ lane: row.lane, room: Math.min(room, maxPerClaim) }] : [];
  });
}

/** The jobs of workers that are dead. */
function takeBack(core: Core, maxDeliveries: number): void {
  const { db, now } = core;
  const rows = db.all<{ id: string; deliveries: number; reason: string | null }>(
    "SELECT id, deliveries, reason FROM jobs WHERE state = 'running' AND lease_until <= ? LIMIT ?",
    now,
    maxPerClaim,
  );
  for (const { id, deliveries, reason } of rows) {
    if (reason !== null) end(core, id, { status: "canceled" });
    else if (deliveries >= maxDeliveries) end(core, id, { status: "failed", error: workerLost(deliveries) });
    else db.run("UPDATE jobs SET state = 'queued', lease_until = NULL WHERE id = ?", id);
    core.changed.push(id);
  }
}

/** Milliseconds until something becomes claimable by time alone. */
function nextMs({ db, now }: Core): number | undefined {
  const { at } = db.get<{ at: number | null }>(
    `SELECT min(at) AS at FROM (
       SELECT min(run_at) AS at FROM jobs WHERE state = 'scheduled'
       UNION ALL SELECT min(lease_until) FROM jobs WHERE state = 'running'
       UNION ALL SELECT min(expires_at) FROM jobs WHERE expires_at IS NOT NULL AND epoch = 0
       UNION ALL SELECT min(starts.at + lanes.rate_ms) FROM starts JOIN lanes USING (lane))`,
  )!;
  return at === null ? undefined : Math.max(0, at - now);
}
