import type { Core } from "./core.ts";

/** The limits of a task, and how much of them is used. */
export interface Lane {
  readonly name: string;
  /** How many of its jobs may be started now. */
  readonly room: number;
  readonly rate: { readonly limit: number; readonly perMs: number } | undefined;
  /** How many were started within the last stretch of time. */
  started: number;
}

interface LaneRow {
  readonly lane: string;
  readonly max_running: number | null;
  readonly rate_limit: number | null;
  readonly rate_ms: number | null;
}

export function readLanes({ db, now }: Core): Lane[] {
  return db.all<LaneRow>("SELECT lane, max_running, rate_limit, rate_ms FROM afterword_lanes").map((row) => {
    let room = Infinity;
    let started = 0;
    if (row.max_running !== null) {
      const { running } = db.get<{ running: number }>(
        "SELECT count(*) AS running FROM afterword_jobs WHERE state = 'running' AND lane <> '' AND lane = ?",
        row.lane,
      )!;
      room = row.max_running - running;
    }
    if (row.rate_limit !== null) {
      db.run("DELETE FROM afterword_starts WHERE lane = ? AND at <= ?", row.lane, now - row.rate_ms!);
      ({ started } = db.get<{ started: number }>(
        "SELECT count(*) AS started FROM afterword_starts WHERE lane = ?",
        row.lane,
      )!);
      room = Math.min(room, row.rate_limit - started);
    }
    const rate = row.rate_limit === null ? undefined : { limit: row.rate_limit, perMs: row.rate_ms! };
    return { name: row.lane, room: Math.max(0, room), rate, started };
  });
}

export function noteStart({ db, now }: Core, lane: Lane): void {
  if (lane.rate === undefined) return;
  db.run("INSERT INTO afterword_starts (lane, at) VALUES (?, ?)", lane.name, now);
  lane.started++;
}

/** When jobs may be started again that nothing but a rate limit keeps waiting. */
export function nextRoomAt({ db }: Core, lanes: readonly Lane[], queues: readonly string[]): number {
  let nextAt = Infinity;
  for (const { name, rate, started } of lanes) {
    if (rate === undefined || started < rate.limit) continue;
    const waits = queues.some(
      (queue) =>
        db.get(
          "SELECT 1 FROM afterword_jobs WHERE state = 'queued' AND queue = ? AND lane = ? LIMIT 1",
          queue,
          name,
        ) !== undefined,
    );
    if (!waits) continue;
    const { at } = db.get<{ at: number }>("SELECT min(at) AS at FROM afterword_starts WHERE lane = ?", name)!;
    nextAt = Math.min(nextAt, at + rate.perMs);
  }
  return nextAt;
}
