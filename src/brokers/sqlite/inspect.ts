import type { QueueCounts, WorkerRecord } from "../../tasks/broker.ts";
import { jobStatuses, type JobStatus } from "../../tasks/job.ts";
import type { Core } from "./core.ts";
import type { Database } from "./database.ts";
import { selectEnded, selectJobs, type JobRow } from "./job-row.ts";

export function get({ db }: Core, ids: readonly string[]): readonly (JobRow | undefined)[] {
  return ids.map(
    (id) => db.get<JobRow>(`${selectJobs} WHERE id = ?`, id) ?? db.get<JobRow>(`${selectEnded} WHERE id = ?`, id),
  );
}

type MutableCounts = { -readonly [K in keyof QueueCounts]: QueueCounts[K] };

export function counts({ db, tallies }: Core): readonly QueueCounts[] {
  tallies.store();
  const found = new Map<string, MutableCounts>();
  const of = (queue: string): MutableCounts => {
    let known = found.get(queue);
    if (known === undefined) {
      const zeros = Object.fromEntries(jobStatuses.map((status) => [status, 0])) as Record<JobStatus, number>;
      found.set(queue, (known = { queue, isPaused: false, oldestQueuedAt: undefined, ...zeros }));
    }
    return known;
  };
  for (const { queue } of db.all<{ queue: string }>("SELECT queue FROM afterword_paused")) of(queue).isPaused = true;
  for (const { queue, state, count } of db.all<{ queue: string; state: JobStatus; count: number }>(
    "SELECT queue, state, count FROM afterword_tallies WHERE count > 0",
  ))
    of(queue)[state] = count;
  const lanes = ["", ...db.all<{ lane: string }>("SELECT lane FROM afterword_lanes").map(({ lane }) => lane)];
  for (const each of found.values()) if (each.queued > 0) each.oldestQueuedAt = oldestQueuedAt(db, each.queue, lanes);
  return [...found.values()].toSorted((a, b) => (a.queue < b.queue ? -1 : 1));
}

/**
 * Sought among the next ones of each lane and priority: those behind them came later, and were due earlier only if more than
 * those that are looked at were delayed or tried before.
 */
function oldestQueuedAt(db: Database, queue: string, lanes: readonly string[]): number | undefined {
  let oldest = Infinity;
  for (const lane of lanes)
    for (let priority = 0; priority <= 9; priority++) {
      const { at } = db.get<{ at: number | null }>(oldestOfLane, queue, lane, priority)!;
      if (at !== null && at < oldest) oldest = at;
    }
  return oldest === Infinity ? undefined : oldest;
}

const oldestOfLane = `SELECT min(run_at) AS at FROM
  (SELECT run_at FROM afterword_jobs WHERE state = 'queued' AND queue = ? AND lane = ? AND priority = ? ORDER BY place LIMIT 100)`;

export function workers({ db, now }: Core): readonly WorkerRecord[] {
  return db
    .all<Record<string, string | number>>(
      "SELECT id, host, pid, queues, slots, running, started_at AS startedAt, seen_at AS seenAt FROM afterword_workers WHERE seen_at + lease_ms > ? ORDER BY id",
      now,
    )
    .map((row) => ({ ...row, queues: JSON.parse(row.queues as string) as string[] }) as unknown as WorkerRecord);
}
