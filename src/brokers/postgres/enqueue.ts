import type { StoredJob } from "../../tasks/broker.ts";
import { clean, ms, type Core } from "./core.ts";
import { toRowText, type JobInsert } from "./job-insert.ts";
import { awaitParts } from "./parts.ts";
import { takeIn } from "./intake.ts";

/** Whether jobs can be stored with one statement: nothing else has to be looked at or changed with them. */
export function arePlain(jobs: readonly JobInsert[]): boolean {
  return jobs.every(
    ({ uniqueKey, after, job }) =>
      uniqueKey === undefined && after === undefined && job.limits === undefined && job.expiresMs === undefined,
  );
}

/**
 * Stores plain jobs, with one statement.
 *
 * `created_on` is the order of storing: pg-boss hands out by it, so that jobs of a batch are given instants that are a
 * microsecond apart. Storing one takes longer than that, so the next batch is later.
 */
export async function insertJobs(
  core: Core,
  jobs: readonly JobInsert[],
  isPart: (id: string) => boolean = () => false,
): Promise<void> {
  const text = `[${jobs.map((job) => toRowText(job, isPart(job.job.id))).join(",")}]`;
  await core.rows(insertText(core), text);
  for (const { job } of jobs) core.changed.push(job.id);
}

const texts = new Map<string, string>();

function insertText({ tables }: Core): string {
  let text = texts.get(tables.jobs);
  if (text === undefined) texts.set(tables.jobs, (text = toInsertText(tables.jobs)));
  return text;
}

/** `expire_seconds` is pg-boss's own limit for running jobs: ours have leases and timeouts instead. */
const toInsertText = (jobs: string): string => `
  WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS at),
  given AS (
    SELECT r.*, c.at + r.place * interval '1 microsecond' AS stored_at
    FROM clock c, ROWS FROM (jsonb_to_recordset($1::jsonb) AS (id uuid, name text, priority integer, attempts integer,
      delay float8, keep integer, key text, blocked boolean, blocking boolean, expires float8, data jsonb))
      WITH ORDINALITY AS r(id, name, priority, attempts, delay, keep, key, blocked, blocking, expires, data, place)
  )
  INSERT INTO ${jobs} (id, name, priority, data, retry_limit, expire_seconds, deletion_seconds, singleton_key, start_after,
    created_on, keep_until, policy, blocked, blocking, trace_context)
  SELECT id, name, priority, data, greatest(0, attempts - 1), 2147483647, keep, key, stored_at + delay * interval '1 millisecond',
    stored_at, stored_at + interval '100 years', 'standard', blocked, blocking,
    CASE WHEN expires IS NULL THEN '{"attempt":0,"deliveries":0}'::jsonb
      ELSE jsonb_build_object('attempt', 0, 'deliveries', 0, 'expiresAt', ${ms("stored_at")} + expires) END
  FROM given ORDER BY place
  ON CONFLICT DO NOTHING`;

/** Stores jobs of any kind, all or none: it runs within a transaction. */
export async function enqueue(core: Core, jobs: readonly JobInsert[]): Promise<readonly StoredJob[]> {
  const { stored, added } = await takeIn(core, jobs);
  const partIds = new Set(added.flatMap(({ after }) => after?.ids ?? []));
  await setLimits(core, added);
  await insertJobs(core, added, (id) => partIds.has(id));
  const expiring = added.filter(({ job }) => job.expiresMs !== undefined).map(({ job }) => job.id);
  if (expiring.length > 0)
    await core.rows(
      `INSERT INTO ${core.tables.own}.expiring (job, at)
       SELECT id, to_timestamp((trace_context ->> 'expiresAt')::float8 / 1000) FROM ${core.tables.jobs}
       WHERE name IN ${core.ours} AND id = ANY (ARRAY(SELECT json_array_elements_text($1::json)::uuid)) ON CONFLICT DO NOTHING`,
      JSON.stringify(expiring),
    );
  // When all are there, since a job may stand before one that it waits for.
  await awaitParts(core, added);
  return stored;
}

/** The limits of the job that was stored last are in force, also when it has none. */
async function setLimits(core: Core, jobs: readonly JobInsert[]): Promise<void> {
  const last = new Map(jobs.map(({ job }) => [job.task, job.limits]));
  // In one order for all, so that nobody waits in a circle.
  for (const [task, limits] of [...last].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (limits)
      await core.rows(
        `INSERT INTO ${core.tables.own}.limits AS known (task, max_running, rate_limit, rate_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (task) DO UPDATE SET max_running = $2, rate_limit = $3, rate_ms = $4
         WHERE (known.max_running, known.rate_limit, known.rate_ms) IS DISTINCT FROM ($2, $3, $4)`,
        clean(task),
        limits.maxRunning ?? null,
        limits.rate?.limit ?? null,
        limits.rate?.perMs ?? null,
      );
    else await core.rows(noLimits(core), clean(task));
}

function noLimits({ tables }: Core): string {
  return `UPDATE ${tables.own}.limits SET max_running = NULL, rate_limit = NULL, rate_ms = NULL WHERE task = $1`;
}
