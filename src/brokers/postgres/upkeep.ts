import { workerLost } from "../pulled/part-results.ts";
import type { Core } from "./core.ts";
import { addFailure, end } from "./ending.ts";
import type { JobRun } from "./job-row.ts";

/** So many jobs are ended or taken back in one transaction; the next one goes on. */
const maxAtOnce = 500;

/** Whether some job has expired or some lease has run out. */
export async function isUpkeepDue(core: Core): Promise<boolean> {
  const { own, jobs } = core.tables;
  const [row] = await core.rows<{ is_due: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM ${own}.expiring WHERE at <= now())
       OR EXISTS (SELECT 1 FROM ${own}.queues q JOIN ${jobs} j ON j.name = q.name
         WHERE j.state = 'active' AND j.state IN ('created', 'retry', 'active', 'failed') AND j.heartbeat_on <= now()) AS is_due`,
  );
  return row!.is_due;
}

/** What time alone does to jobs: they expire, or their worker has been silent for too long. Whoever is first does it. */
export async function upkeep(core: Core): Promise<void> {
  await expire(core);
  await takeBack(core);
}

async function expire(core: Core): Promise<void> {
  const { own, jobs } = core.tables;
  const due = await core.rows<{ job: string }>(
    `DELETE FROM ${own}.expiring WHERE job IN
       (SELECT job FROM ${own}.expiring WHERE at <= now() ORDER BY at LIMIT ${maxAtOnce} FOR UPDATE SKIP LOCKED) RETURNING job`,
  );
  if (due.length === 0) return;
  const waiting = await core.rows<{ id: string; after: number }>(
    `SELECT id, round((trace_context ->> 'expiresAt')::float8 - extract(epoch FROM created_on)::float8 * 1000)::float8 AS after
     FROM ${jobs} WHERE name IN ${core.ours} AND id = ANY (ARRAY(SELECT json_array_elements_text($1::json)::uuid))
       AND state < 'active' AND started_on IS NULL AND trace_context ? 'expiresAt' ORDER BY id FOR UPDATE`,
    JSON.stringify(due.map(({ job }) => job)),
  );
  for (const { id, after } of waiting)
    await end(core, id, { status: "expired", reason: `it was not started within ${after} ms` });
}

async function takeBack(core: Core): Promise<void> {
  const { own, jobs } = core.tables;
  const lost = await core.rows<{ id: string; run: JobRun }>(
    `SELECT j.id, j.trace_context AS run FROM ${own}.queues q JOIN ${jobs} j ON j.name = q.name
     WHERE j.state = 'active' AND j.state IN ('created', 'retry', 'active', 'failed') AND j.heartbeat_on <= now()
     ORDER BY j.id LIMIT ${maxAtOnce} FOR UPDATE OF j SKIP LOCKED`,
  );
  for (const { id, run } of lost) {
    if (run.reason !== undefined) await end(core, id, { status: "canceled" });
    else if (run.deliveries >= (run.maxDeliveries ?? 3)) {
      const error = workerLost(run.deliveries);
      await addFailure(core, id, run.attempt, error);
      await end(core, id, { status: "failed", error });
    } else {
      await core.rows(
        `UPDATE ${jobs} SET state = 'retry', heartbeat_on = NULL WHERE name IN ${core.ours} AND id = $1`,
        id,
      );
      core.changed.push(id);
    }
  }
}

/** Forgets what belongs to jobs that pg-boss has deleted, and workers that are long gone. */
export async function clear(core: Core): Promise<void> {
  const { own, jobs } = core.tables;
  for (const table of ["notes", "parts", "expiring"])
    await core.rows(
      `DELETE FROM ${own}.${table} t WHERE (SELECT 1 FROM ${jobs} j WHERE j.name IN ${core.ours} AND j.id = t.job LIMIT 1) IS NULL`,
    );
  // Those of jobs that were canceled or deleted through pg-boss itself.
  await core.rows(
    `DELETE FROM ${own}.keys t WHERE
       (SELECT 1 FROM ${jobs} j WHERE j.name IN ${core.ours} AND j.id = t.job AND j.state < 'completed' LIMIT 1) IS NULL`,
  );
  await core.rows(`DELETE FROM ${own}.workers WHERE seen_at + 10 * lease_ms * interval '1 millisecond' < now()`);
}
