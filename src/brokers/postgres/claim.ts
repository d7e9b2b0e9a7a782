import type { Core } from "./core.ts";
import type { DeliveredRow } from "./job-row.ts";

export interface ClaimRequest {
  readonly worker: string;
  readonly queues: readonly string[];
  readonly count: number;
  readonly leaseMs: number;
  readonly maxDeliveries: number;
}

/** A queue of pg-boss, and how many jobs may be taken from it. */
export interface Source {
  readonly name: string;
  readonly count: number;
}

/**
 * The next jobs of each source, locked, by priority and then by age; `$1` has the sources. Read from pg-boss's index for
 * fetching. One that has expired is left for the upkeep to end.
 */
function candidates({ tables }: Core): string {
  return `SELECT j.name, j.id, j.priority, j.created_on
    FROM json_to_recordset($1::json) AS source (name text, count integer) CROSS JOIN LATERAL (
      SELECT j.name, j.id, j.priority, j.created_on FROM ${tables.jobs} j
      WHERE j.name = source.name AND j.state < 'active' AND NOT j.blocked AND j.start_after <= now()
        AND (j.started_on IS NOT NULL OR NOT j.trace_context ? 'expiresAt'
          OR to_timestamp((j.trace_context ->> 'expiresAt')::float8 / 1000) > now())
      ORDER BY j.priority DESC, j.created_on LIMIT source.count
      FOR UPDATE SKIP LOCKED) j
    WHERE NOT EXISTS (SELECT 1 FROM ${tables.own}.queues q JOIN ${tables.own}.paused USING (queue) WHERE q.name = source.name)
    ORDER BY j.priority DESC, j.created_on`;
}

/**
 * Starts what was picked: `$2` is the worker, `$3` the lease, `$4` the greatest number of deliveries. As at pg-boss,
 * `retry_count` grows with each claim after the first, and is the fence of this one.
 */
function start({ tables }: Core): string {
  return `UPDATE ${tables.jobs} j SET state = 'active', started_on = clock_timestamp(),
      heartbeat_on = clock_timestamp() + $3 * interval '1 millisecond',
      retry_count = CASE WHEN j.started_on IS NULL THEN j.retry_count ELSE j.retry_count + 1 END,
      trace_context = j.trace_context || jsonb_build_object('worker', $2::text, 'maxDeliveries', $4::integer,
        'attempt', (j.trace_context ->> 'attempt')::integer + CASE j.trace_context ->> 'deliveries' WHEN '0' THEN 1 ELSE 0 END,
        'deliveries', (j.trace_context ->> 'deliveries')::integer + 1)
    FROM picked WHERE j.name = picked.name AND j.id = picked.id
    RETURNING j.id, j.name, j.data, j.trace_context AS run, j.retry_count AS epoch, j.priority, j.created_on`;
}

/** Takes up to `count` jobs, with one statement: it is atomic by itself. */
export function claim(core: Core, sources: readonly Source[], request: ClaimRequest): Promise<readonly DeliveredRow[]> {
  return core.rows<DeliveredRow>(
    `WITH picked AS MATERIALIZED (${candidates(core)} LIMIT $5),
     started AS (${start(core)})
     SELECT id, name, data, run, epoch FROM started ORDER BY priority DESC, created_on`,
    JSON.stringify(sources),
    request.worker,
    request.leaseMs,
    request.maxDeliveries,
    request.count,
  );
}

/** Locks the jobs that may be claimed, in their order. */
export function lockCandidates(
  core: Core,
  sources: readonly Source[],
): Promise<readonly { readonly name: string; readonly id: string }[]> {
  return core.rows(`SELECT name, id FROM (${candidates(core)}) found`, JSON.stringify(sources));
}

/** Starts jobs that were locked. */
export function startLocked(
  core: Core,
  locked: readonly { readonly name: string; readonly id: string }[],
  { worker, leaseMs, maxDeliveries }: ClaimRequest,
): Promise<readonly DeliveredRow[]> {
  return core.rows<DeliveredRow>(
    `WITH picked AS (SELECT * FROM json_to_recordset($1::json) AS given (name text, id uuid)),
     started AS (${start(core)})
     SELECT id, name, data, run, epoch FROM started ORDER BY priority DESC, created_on`,
    JSON.stringify(locked),
    worker,
    leaseMs,
    maxDeliveries,
  );
}

/** Milliseconds until a delay ends or a lease runs out, in these queues. Read from pg-boss's index of jobs that are not final. */
export async function nextMs(core: Core, names: readonly string[]): Promise<number | undefined> {
  const [row] = await core.rows<{ ms: number | null }>(
    `SELECT (extract(epoch FROM min(next.at) - now()) * 1000)::float8 AS ms
     FROM json_array_elements_text($1::json) AS wanted (engine), (VALUES ('created'), ('retry')) AS open (state) CROSS JOIN LATERAL (
       (SELECT start_after AS at FROM ${core.tables.jobs} j
        WHERE j.name = wanted.engine AND j.state = open.state::${core.tables.boss}.job_state
          AND j.state IN ('created', 'retry', 'active', 'failed') AND NOT j.blocked AND start_after > now()
        ORDER BY start_after LIMIT 1)
       UNION ALL
       SELECT min(heartbeat_on) FROM ${core.tables.jobs} j
       WHERE j.name = wanted.engine AND j.state = 'active' AND heartbeat_on > now() AND open.state = 'created') next`,
    JSON.stringify(names),
  );
  return row?.ms === null || row === undefined ? undefined : Math.max(0, row.ms);
}
