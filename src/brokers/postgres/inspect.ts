import type { QueueCounts, WorkerRecord } from "../../tasks/broker.ts";
import { jobStatuses, type Job, type JobStatus } from "../../tasks/job.ts";
import { ms, possibleIds, type Core } from "./core.ts";
import { isKept, jobColumns, jobTables, statusOf, toJob, type JobRow } from "./job-row.ts";

export async function get(core: Core, ids: readonly string[]): Promise<readonly (Job | undefined)[]> {
  const possible = possibleIds(ids);
  if (possible.length === 0) return ids.map(() => undefined);
  const rows = await core.rows<JobRow>(
    `SELECT ${jobColumns} FROM ${jobTables(core.tables)}
     WHERE j.id = ANY (ARRAY(SELECT json_array_elements_text($1::json)::uuid)) AND ${isKept}`,
    JSON.stringify(possible),
  );
  const known = new Map(rows.map((row) => [row.id, toJob(row)]));
  return ids.map((id) => known.get(id));
}

interface CountRow {
  readonly queue: string;
  readonly status: JobStatus | null;
  readonly count: number;
  readonly oldest: number | null;
  readonly is_paused: boolean;
}

type MutableCounts = { -readonly [K in keyof QueueCounts]: QueueCounts[K] };

export async function counts(core: Core): Promise<readonly QueueCounts[]> {
  const { own, jobs } = core.tables;
  const rows = await core.rows<CountRow>(
    `SELECT q.queue, ${statusOf} AS status, count(*)::integer AS count, ${ms("min(j.start_after)")} AS oldest, false AS is_paused
     FROM ${own}.queues q JOIN ${jobs} j ON j.name = q.name WHERE ${isKept} GROUP BY 1, 2
     UNION ALL SELECT queue, NULL, 0, NULL, true FROM ${own}.paused`,
  );
  const found = new Map<string, MutableCounts>();
  for (const { queue, status, count, oldest, is_paused } of rows) {
    let known = found.get(queue);
    if (known === undefined) {
      const zeros = Object.fromEntries(jobStatuses.map((each) => [each, 0])) as Record<JobStatus, number>;
      found.set(queue, (known = { queue, isPaused: false, oldestQueuedAt: undefined, ...zeros }));
    }
    if (is_paused) known.isPaused = true;
    if (status === null) continue;
    known[status] = count;
    if (status === "queued") known.oldestQueuedAt = oldest ?? undefined;
  }
  return [...found.values()].toSorted((a, b) => (a.queue < b.queue ? -1 : 1));
}

export async function workers(core: Core): Promise<readonly WorkerRecord[]> {
  return core.rows<WorkerRecord>(
    `SELECT id, host, pid, queues, slots, running, ${ms("started_at")} AS "startedAt", ${ms("seen_at")} AS "seenAt"
     FROM ${core.tables.own}.workers WHERE seen_at + lease_ms * interval '1 millisecond' > now() ORDER BY id`,
  );
}
