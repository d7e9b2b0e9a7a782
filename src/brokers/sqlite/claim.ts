import { workerLost } from "../pulled/part-results.ts";
import type { Core } from "./core.ts";
import { addFailure, end } from "./ending.ts";
import { deliveredColumns, type DeliveredRow } from "./job-row.ts";
import { nextRoomAt, noteStart, readLanes, type Lane } from "./lanes.ts";
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
  const lanes = readLanes(core);
  const rows = start(core, candidates(core, request, lanes), request);
  for (const [id, , queue] of rows) {
    core.tallies.move(queue, "queued", "running");
    core.changed.push(id);
  }
  return { rows, nextMs: nextMs(core, nextRoomAt(core, lanes, request.queues)) };
}

/** In the order of the candidates: SQLite returns rows in an order of its own. */
function start(core: Core, found: readonly Candidate[], { worker, leaseMs }: ClaimRequest): DeliveredRow[] {
  if (found.length === 0) return [];
  const { db, now } = core;
  for (const { lane } of found) if (lane !== undefined) noteStart(core, lane);
  const started = db.tuples<readonly [...DeliveredRow, place: number]>(
    `UPDATE afterword_jobs SET state = 'running', worker = ?, epoch = epoch + 1, deliveries = deliveries + 1,
       attempt = attempt + (deliveries = 0), started_at = ?, lease_until = ?
     WHERE place IN (SELECT value FROM json_each(?))
     RETURNING ${deliveredColumns}, place`,
    worker,
    now,
    now + leaseMs,
    JSON.stringify(found.map(({ place }) => place)),
  );
  const isInOrder = started.every((row, index) => row[9] === found[index]!.place);
  if (isInOrder) return started as unknown as DeliveredRow[];
  const byPlace = new Map(started.map((row) => [row[9], row]));
  return found.map(({ place }) => byPlace.get(place)! as unknown as DeliveredRow);
}

interface Candidate {
  readonly place: number;
  readonly priority: number;
  /** Of tasks with limits. */
  readonly lane: Lane | undefined;
}

/** The next jobs of each queue and lane that has room, merged: the highest priority first, then the oldest. */
function candidates(core: Core, { queues, count }: ClaimRequest, lanes: readonly Lane[]): Candidate[] {
  const { db } = core;
  const paused = new Set(db.all<{ queue: string }>("SELECT queue FROM afterword_paused").map(({ queue }) => queue));
  const found: Candidate[] = [];
  const open = queues.filter((queue) => !paused.has(queue));
  for (const lane of [undefined, ...lanes]) {
    const room = Math.min(count, lane?.room ?? count);
    if (room === 0) continue;
    // A lane may have jobs in several queues: its room is for all of them together.
    const ofLane = open.flatMap((queue) =>
      db
        .tuples<[number, number]>(nextOfLane, queue, lane?.name ?? "", room)
        .map(([place, priority]): Candidate => ({ place, priority, lane })),
    );
    found.push(...(open.length > 1 ? ofLane.toSorted(byTurn).slice(0, room) : ofLane));
  }
  return lanes.length > 0 || open.length > 1 ? found.toSorted(byTurn).slice(0, count) : found;
}

/** Read from the index `afterword_jobs_ready` alone: its cost does not grow with the number of jobs that wait. */
export const nextOfLane = `SELECT place, priority FROM afterword_jobs WHERE state = 'queued' AND queue = ? AND lane = ?
   ORDER BY priority DESC, place LIMIT ?`;

function byTurn(a: Candidate, b: Candidate): number {
  return b.priority - a.priority || a.place - b.place;
}

/** The jobs of workers that are dead. */
function takeBack(core: Core, maxDeliveries: number): void {
  const { db, now } = core;
  const rows = db.all<{ id: string; queue: string; deliveries: number; reason: string | null }>(
    "SELECT id, queue, deliveries, reason FROM afterword_jobs WHERE state = 'running' AND lease_until <= ? LIMIT ?",
    now,
    maxPerClaim,
  );
  for (const { id, queue, deliveries, reason } of rows) {
    if (reason !== null) end(core, id, { status: "canceled" });
    else if (deliveries >= maxDeliveries) {
      const error = workerLost(deliveries);
      addFailure(core, id, error);
      end(core, id, { status: "failed", error });
    } else {
      db.run("UPDATE afterword_jobs SET state = 'queued', lease_until = NULL WHERE id = ?", id);
      core.tallies.move(queue, "running", "queued");
    }
    core.changed.push(id);
  }
}

/** Milliseconds until something becomes claimable by time alone. */
function nextMs({ db, now }: Core, roomAt: number): number | undefined {
  const { at } = db.get<{ at: number | null }>(
    `SELECT min(at) AS at FROM (
       SELECT min(run_at) AS at FROM afterword_jobs WHERE state = 'scheduled'
       UNION ALL SELECT min(lease_until) FROM afterword_jobs WHERE state = 'running'
       UNION ALL SELECT min(expires_at) FROM afterword_jobs WHERE expires_at IS NOT NULL AND epoch = 0)`,
  )!;
  const nextAt = Math.min(at ?? Infinity, roomAt);
  return nextAt === Infinity ? undefined : Math.max(0, nextAt - now);
}
