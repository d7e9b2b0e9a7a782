import type { CancelResult } from "../../tasks/broker.ts";
import { clean, possibleIds, type Core } from "./core.ts";
import { end } from "./ending.ts";
import type { BossState, JobData } from "./job-row.ts";
import { settleWaiting } from "./parts.ts";

const given = "(ARRAY(SELECT json_array_elements_text($1::json)::uuid))";

interface LockedRow {
  readonly id: string;
  readonly state: BossState;
  readonly blocked: boolean;
  readonly key: string | null;
  readonly data: JobData;
  readonly failed_by_part: boolean | null;
}

/** Rows of jobs, locked. In one order for all, so that nobody waits in a circle. */
async function lock(core: Core, asked: readonly string[]): Promise<Map<string, LockedRow>> {
  const ids = possibleIds(asked);
  if (ids.length === 0) return new Map();
  const rows = await core.rows<LockedRow>(
    `SELECT id, state, blocked, singleton_key AS key, data, (trace_context ->> 'failedByPart')::boolean AS failed_by_part
     FROM ${core.tables.jobs} WHERE name IN ${core.ours} AND id = ANY ${given} ORDER BY id FOR UPDATE`,
    JSON.stringify(ids),
  );
  return new Map(rows.map((row) => [row.id, row]));
}

function isOpen({ state }: LockedRow): boolean {
  return state === "created" || state === "retry" || state === "active";
}

export async function cancel(core: Core, ids: readonly string[], reason: string): Promise<readonly CancelResult[]> {
  const known = await lock(core, ids);
  const ended = new Set<string>();
  const results: CancelResult[] = [];
  for (const id of ids) {
    const row = known.get(id);
    if (row === undefined) results.push("unknown");
    else if (!isOpen(row) || ended.has(id)) results.push("ended");
    else if (row.state === "active") {
      // Of a job that runs, the reason is what tells its worker.
      await core.rows(
        `UPDATE ${core.tables.jobs} SET trace_context = jsonb_build_object('reason', $2::text) || trace_context
         WHERE name IN ${core.ours} AND id = $1`,
        id,
        clean(reason),
      );
      core.changed.push(id);
      results.push("requested");
    } else {
      await end(core, id, { status: "canceled", reason });
      ended.add(id);
      results.push("canceled");
    }
  }
  return results;
}

export async function retry(core: Core, ids: readonly string[]): Promise<readonly boolean[]> {
  const reopened: boolean[] = [];
  for (const id of ids) {
    const waiting: string[] = [];
    const isReopened = await reopen(core, (await lock(core, [id])).get(id), waiting);
    reopened.push(isReopened);
    if (!isReopened) continue;
    // A list and no recursion, since chains can be long. When all are there, each finds out how those are that it waits for.
    const parts = [id];
    for (const part of parts) {
      const dependents = await core.rows<{ job: string }>(
        `SELECT job FROM ${core.tables.own}.parts WHERE part = $1`,
        part,
      );
      for (const row of (
        await lock(
          core,
          dependents.map(({ job }) => job),
        )
      ).values())
        if (row.failed_by_part === true && (await reopen(core, row, waiting))) parts.push(row.id);
    }
    for (const job of waiting) await settleWaiting(core, job);
  }
  return reopened;
}

/** @param waiting - gets the job if it waits for others */
async function reopen(core: Core, row: LockedRow | undefined, waiting: string[]): Promise<boolean> {
  if (row === undefined || isOpen(row) || row.state === "completed") return false;
  const { own, jobs } = core.tables;
  if (row.key !== null) {
    const [taken] = await core.rows(
      `INSERT INTO ${own}.keys (task, key, job) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1`,
      row.data.task,
      row.key,
      row.id,
    );
    if (taken === undefined) return false;
  }
  await core.rows(
    `UPDATE ${jobs} SET state = CASE WHEN blocked THEN 'created' ELSE 'retry' END::${core.tables.boss}.job_state,
       start_after = now(), completed_on = NULL, output = NULL,
       blocking = EXISTS (SELECT 1 FROM ${own}.parts WHERE part = id),
       trace_context = (trace_context - 'failedByPart' - 'reason' - 'expiresAt') || '{"attempt":0,"deliveries":0}'
     WHERE name IN ${core.ours} AND id = $1`,
    row.id,
  );
  core.changed.push(row.id);
  if (row.blocked) waiting.push(row.id);
  return true;
}

export async function remove(core: Core, ids: readonly string[]): Promise<readonly boolean[]> {
  const known = await lock(core, ids);
  const removed: string[] = [];
  const results: boolean[] = [];
  for (const id of ids) {
    const row = known.get(id);
    const isThere = row !== undefined && row.state !== "active" && !removed.includes(id);
    if (isThere && isOpen(row)) await end(core, id, { status: "canceled", reason: "it was removed" });
    if (isThere) removed.push(id);
    results.push(isThere);
  }
  core.changed.push(...removed);
  return results;
}

/** Deletes jobs, after those that waited for them were told. */
export async function forget(core: Core, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { own, jobs } = core.tables;
  const text = JSON.stringify(ids);
  await core.rows(`DELETE FROM ${jobs} WHERE name IN ${core.ours} AND id = ANY ${given}`, text);
  await core.rows(`DELETE FROM ${own}.parts WHERE job = ANY ${given}`, text);
  await core.rows(`DELETE FROM ${own}.notes WHERE job = ANY ${given}`, text);
}

export interface PurgeRequest {
  readonly statuses: readonly string[];
  readonly queue: string | undefined;
  readonly task: string | undefined;
  readonly olderThanMs: number;
}

/** So many jobs are deleted in one transaction: a long one stops others. */
export const purgedAtOnce = 2_000;

export async function purge(core: Core, { statuses, queue, task, olderThanMs }: PurgeRequest): Promise<number> {
  const { own, jobs } = core.tables;
  const rows = await core.rows<{ id: string }>(
    `SELECT j.id FROM ${own}.queues q JOIN ${jobs} j ON j.name = q.name
     WHERE j.completed_on <= now() - $4 * interval '1 millisecond'
       AND CASE j.state WHEN 'completed' THEN 'succeeded' WHEN 'failed' THEN 'failed'
         WHEN 'cancelled' THEN CASE WHEN j.output ? 'expired' THEN 'expired' ELSE 'canceled' END END
         IN (SELECT json_array_elements_text($1::json))
       AND ($2::text IS NULL OR q.queue = $2) AND ($3::text IS NULL OR j.data ->> 'task' = $3)
     LIMIT ${purgedAtOnce} FOR UPDATE OF j SKIP LOCKED`,
    JSON.stringify(statuses),
    queue ?? null,
    task ?? null,
    olderThanMs,
  );
  const ids = rows.map(({ id }) => id);
  await forget(core, ids);
  return ids.length;
}
