import type { Ending } from "../../tasks/ending.ts";
import { maxLogLines, type JobLogLine } from "../../tasks/job.ts";
import type { Extension, Hold, Report, Store } from "../pulled/store.ts";
import type { Located } from "./claimed-here.ts";
import { clean, ms, type Core } from "./core.ts";
import { addFailure, end } from "./ending.ts";
import type { JobRun } from "./job-row.ts";

export type HoldEnding = Hold & { readonly ending: Ending };

/**
 * What is true of a job that runs. It is found by its key: its state is compared as a text, so that pg-boss's index by state is no way
 * to it. Where the statistics say that hardly any job is active, the planner would take that, and go through all that are for
 * each job that it looks for.
 */
const isActive = "j.state::text = 'active'";

/**
 * Stores successes with one statement, but for those on which more depends: a unique key, jobs that wait.
 *
 * @returns the ids of those that were stored
 */
export async function succeed(core: Core, endings: readonly Located<HoldEnding>[]): Promise<ReadonlySet<string>> {
  const given = endings.map(({ name, id, epoch, ending }) => ({
    name,
    id,
    epoch,
    value: clean((ending as Ending & { status: "succeeded" }).result),
  }));
  const rows = await core.rows<{ id: string }>(
    `UPDATE ${core.tables.jobs} j SET state = 'completed', completed_on = now(), heartbeat_on = NULL,
       output = jsonb_build_object('value', given.value)
     FROM json_to_recordset($1::json) AS given (name text, id uuid, epoch integer, value text)
     WHERE j.name = given.name AND j.id = given.id AND ${isActive} AND j.retry_count = given.epoch
       AND j.singleton_key IS NULL AND NOT j.blocking
     RETURNING j.id`,
    JSON.stringify(given),
  );
  for (const { id } of rows) core.changed.push(id);
  return new Set(rows.map(({ id }) => id));
}

interface HeldRow {
  readonly id: string;
  readonly epoch: number;
  readonly run: JobRun;
}

/** Stores endings of any kind whose hold still stands, within a transaction. */
export async function finish(core: Core, endings: readonly HoldEnding[]): Promise<readonly boolean[]> {
  const rows = await core.rows<HeldRow>(
    `SELECT id, retry_count AS epoch, trace_context AS run FROM ${core.tables.jobs}
     WHERE name IN ${core.ours} AND id = ANY (ARRAY(SELECT json_array_elements_text($1::json)::uuid)) AND state = 'active'
     ORDER BY id FOR UPDATE`,
    JSON.stringify(endings.map(({ id }) => id)),
  );
  const held = new Map(rows.map((row) => [row.id, row]));
  const accepted: boolean[] = [];
  for (const { id, epoch, ending } of endings) {
    const row = held.get(id);
    const isHeld = row !== undefined && row.epoch === epoch;
    if (isHeld) {
      held.delete(id);
      await apply(core, id, ending, row.run);
    }
    accepted.push(isHeld);
  }
  return accepted;
}

async function apply(core: Core, id: string, ending: Ending, run: JobRun): Promise<void> {
  const { jobs } = core.tables;
  switch (ending.status) {
    case "succeeded":
    case "canceled":
      return end(core, id, ending);
    case "failed":
      await addFailure(core, id, run.attempt, ending.error);
      return end(core, id, ending);
    case "retry":
      await addFailure(core, id, run.attempt, ending.error);
      if (run.reason !== undefined) return end(core, id, { status: "canceled" });
      await core.rows(
        `UPDATE ${jobs} SET state = 'retry', heartbeat_on = NULL, start_after = now() + $2 * interval '1 millisecond',
           trace_context = trace_context || '{"deliveries":0}'
         WHERE name IN ${core.ours} AND id = $1`,
        id,
        ending.delayMs,
      );
      break;
    case "released":
      if (run.reason !== undefined) return end(core, id, { status: "canceled" });
      await core.rows(
        `UPDATE ${jobs} SET state = 'retry', heartbeat_on = NULL, trace_context = trace_context || $2::text::jsonb
         WHERE name IN ${core.ours} AND id = $1`,
        id,
        JSON.stringify({
          deliveries: run.deliveries - 1,
          attempt: run.deliveries === 1 ? run.attempt - 1 : run.attempt,
        }),
      );
  }
  core.changed.push(id);
}

/**
 * A sign of life of a worker: the leases of its jobs start anew. One statement for both.
 *
 * @param located - those of its holds whose jobs are known; the others are lost
 */
export async function extend(
  core: Core,
  { worker, holds, leaseMs }: Parameters<Store["extend"]>[0],
  located: readonly Located[],
): Promise<Extension> {
  const { own, jobs } = core.tables;
  const rows = await core.rows<{ id: string; reason: string | null }>(
    `WITH known AS (
       INSERT INTO ${own}.workers AS w (id, host, pid, queues, slots, running, started_at, seen_at, lease_ms)
       VALUES ($2, $3, $4, $5::text::jsonb, $6, $7, now(), now(), $8)
       ON CONFLICT (id) DO UPDATE SET seen_at = now(), running = $7, lease_ms = $8)
     UPDATE ${jobs} j SET heartbeat_on = now() + $8 * interval '1 millisecond'
     FROM json_to_recordset($1::json) AS given (name text, id uuid, epoch integer)
     WHERE j.name = given.name AND j.id = given.id AND ${isActive} AND j.retry_count = given.epoch
     RETURNING j.id, j.trace_context ->> 'reason' AS reason`,
    JSON.stringify(located),
    worker.id,
    clean(worker.host),
    worker.pid,
    JSON.stringify(worker.queues.map(clean)),
    worker.slots,
    holds.length,
    leaseMs,
  );
  const held = new Map(rows.map(({ id, reason }) => [id, reason]));
  return {
    lost: holds.filter(({ id }) => !held.has(id)).map(({ id }) => id),
    canceled: [...held].flatMap(([id, reason]) => (reason === null ? [] : [{ id, reason }])),
  };
}

/** Keeps what running jobs say of themselves, within a transaction. */
export async function report(core: Core, reports: readonly Located<Report>[]): Promise<void> {
  const { own, jobs } = core.tables;
  for (const { name, id, epoch, progress, log } of reports) {
    const [row] = await core.rows<{ at: number; log: string | null }>(
      `SELECT ${ms("now()")} AS at, (SELECT log FROM ${own}.notes WHERE job = j.id) AS log FROM ${jobs} j
       WHERE name = $1 AND id = $2 AND ${isActive} AND retry_count = $3 FOR UPDATE OF j`,
      name,
      id,
      epoch,
    );
    if (row === undefined) continue;
    const lines = row.log === null ? [] : (JSON.parse(row.log) as JobLogLine[]);
    for (const line of log) lines.push({ at: row.at, line });
    await core.rows(
      `INSERT INTO ${own}.notes AS n (job, progress, log) VALUES ($1, $2, $3)
       ON CONFLICT (job) DO UPDATE SET progress = coalesce($2, n.progress), log = coalesce($3, n.log)`,
      id,
      progress ? JSON.stringify({ ...progress, at: row.at }) : null,
      log.length > 0 ? JSON.stringify(lines.slice(-maxLogLines)) : null,
    );
    core.changed.push(id);
  }
}
