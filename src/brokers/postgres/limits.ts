import { lockCandidates, startLocked, type ClaimRequest, type Source } from "./claim.ts";
import type { Core } from "./core.ts";
import type { DeliveredRow } from "./job-row.ts";

/** A queue of pg-boss that has jobs of one task alone, which has limits. */
export interface LimitedQueue {
  readonly name: string;
  readonly task: string;
}

interface Limit {
  readonly task: string;
  readonly max_running: number | null;
  readonly rate_limit: number | null;
  readonly rate_ms: number | null;
  room: number;
  /** When the rate has room again. */
  waitMs: number;
}

/** What a claim gave, and when limits have room again. */
export interface LimitedClaim {
  readonly rows: readonly DeliveredRow[];
  readonly waitMs: number;
}

/** Takes jobs while tasks have limits: within a transaction, in which whoever else claims jobs of those tasks waits. */
export async function claimLimited(
  core: Core,
  plain: readonly string[],
  limited: readonly LimitedQueue[],
  request: ClaimRequest,
): Promise<LimitedClaim> {
  const { count } = request;
  const limits = new Map((await lockLimits(core, limited)).map((limit) => [limit.task, limit]));
  for (const limit of limits.values()) await findRoom(core, limit, limited);
  const sources: Source[] = [
    ...plain.map((name) => ({ name, count })),
    ...limited
      .map(({ name, task }) => ({ name, count: Math.min(count, limits.get(task)?.room ?? 0) }))
      .filter((source) => source.count > 0),
  ];
  const tasks = new Map(limited.map(({ name, task }) => [name, task]));
  const picked: { name: string; id: string }[] = [];
  const started = new Map<string, number>();
  for (const candidate of await lockCandidates(core, sources)) {
    if (picked.length === count) break;
    const task = tasks.get(candidate.name);
    if (task !== undefined) {
      const before = started.get(task) ?? 0;
      if (before >= limits.get(task)!.room) continue;
      started.set(task, before + 1);
    }
    picked.push(candidate);
  }
  const rows = picked.length === 0 ? [] : await startLocked(core, picked, request);
  for (const [task, number] of started)
    if (limits.get(task)!.rate_limit !== null)
      await core.rows(
        `INSERT INTO ${core.tables.own}.starts (task, at) SELECT $1, clock_timestamp() FROM generate_series(1, $2)`,
        task,
        number,
      );
  return { rows, waitMs: Math.min(...[...limits.values()].map(({ waitMs }) => waitMs)) };
}

/** The limits of those tasks that have jobs which could run. In one order for all, so that nobody waits in a circle. */
async function lockLimits(core: Core, limited: readonly LimitedQueue[]): Promise<readonly Limit[]> {
  const { own, jobs } = core.tables;
  return (
    await core.rows<Omit<Limit, "room" | "waitMs">>(
      `SELECT task, max_running, rate_limit, rate_ms FROM ${own}.limits
       WHERE task IN (SELECT given.task FROM json_to_recordset($1::json) AS given (name text, task text) CROSS JOIN LATERAL
         (SELECT 1 FROM ${jobs} j WHERE j.name = given.name AND j.state < 'active' AND NOT j.blocked
            AND j.start_after <= now() LIMIT 1) ready)
       ORDER BY task FOR UPDATE`,
      JSON.stringify(limited),
    )
  ).map((limit) => ({ ...limit, room: Infinity, waitMs: Infinity }));
}

async function findRoom(core: Core, limit: Limit, limited: readonly LimitedQueue[]): Promise<void> {
  const { own, jobs } = core.tables;
  const { task, max_running, rate_limit, rate_ms } = limit;
  if (max_running !== null) {
    const names = limited.filter((queue) => queue.task === task).map(({ name }) => name);
    const [row] = await core.rows<{ running: number }>(
      `SELECT count(*)::integer AS running FROM ${jobs}
       WHERE name IN (SELECT name FROM ${own}.queues WHERE task = $1 UNION SELECT json_array_elements_text($2::json))
         AND state = 'active' AND state IN ('created', 'retry', 'active', 'failed')`,
      task,
      JSON.stringify(names),
    );
    limit.room = Math.max(0, max_running - row!.running);
  }
  if (rate_limit === null) return;
  await core.rows(
    `DELETE FROM ${own}.starts WHERE task = $1 AND at <= clock_timestamp() - $2 * interval '1 millisecond'`,
    task,
    rate_ms,
  );
  const [row] = await core.rows<{ started: number; wait: number | null }>(
    `SELECT count(*)::integer AS started,
       (extract(epoch FROM min(at) - clock_timestamp()) * 1000)::float8 + $2::float8 AS wait
     FROM ${own}.starts WHERE task = $1`,
    task,
    rate_ms,
  );
  const room = Math.max(0, rate_limit - row!.started);
  limit.room = Math.min(limit.room, room);
  if (room === 0) limit.waitMs = Math.max(0, row!.wait ?? 0);
}
