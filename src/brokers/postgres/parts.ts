import type { JobErrorData } from "../../tasks/job.ts";
import { chordPartFailed, withResults } from "../pulled/part-results.ts";
import { clean, type Core } from "./core.ts";
import { end } from "./ending.ts";
import type { JobInsert } from "./job-insert.ts";
import { jobColumns, jobTables, toJob, type JobData, type JobRow } from "./job-row.ts";

const ids = "(ARRAY(SELECT json_array_elements_text($1::json)::uuid))";

/** Jobs were stored that wait for others, of which some may have ended already. */
export async function awaitParts(core: Core, added: readonly JobInsert[]): Promise<void> {
  const waiting = added.filter(({ after }) => after !== undefined);
  if (waiting.length === 0) return;
  const { own, jobs } = core.tables;
  const fresh = new Set(added.map(({ job }) => job.id));
  const pairs = waiting.flatMap(({ job, after }) => [...new Set(after!.ids)].map((part) => ({ job: job.id, part })));
  const elsewhere = [...new Set(pairs.map(({ part }) => part))].filter((id) => !fresh.has(id)).toSorted();
  if (elsewhere.length > 0) {
    // Whoever ends one of them now is waited for, or waits and then sees who waits for it.
    await core.rows(
      `SELECT id FROM ${jobs} WHERE name IN ${core.ours} AND id = ANY ${ids} ORDER BY id FOR UPDATE`,
      JSON.stringify(elsewhere),
    );
    await core.rows(
      `UPDATE ${jobs} SET blocking = true WHERE name IN ${core.ours} AND id = ANY ${ids} AND NOT blocking`,
      JSON.stringify(elsewhere),
    );
  }
  await core.rows(
    `INSERT INTO ${own}.parts (job, part, result)
     SELECT job, part, (SELECT output ->> 'value' FROM ${jobs} j WHERE j.name IN ${core.ours} AND j.id = part AND j.state = 'completed')
     FROM json_to_recordset($1::json) AS given (job uuid, part uuid) ON CONFLICT DO NOTHING`,
    JSON.stringify(pairs),
  );
  for (const { job, after } of waiting)
    if (after!.ids.length === 0 || after!.ids.some((id) => !fresh.has(id))) await settleWaiting(core, job.id);
}

/** Lets a job that waits for others find out how they are. Its row is locked. */
export async function settleWaiting(core: Core, job: string): Promise<void> {
  const { own, jobs } = core.tables;
  const [dead] = await core.rows<{ part: string }>(
    `SELECT part FROM ${own}.parts WHERE job = $1 AND result IS NULL
       AND (SELECT 1 FROM ${jobs} j WHERE j.name IN ${core.ours} AND j.id = part AND j.state < 'completed' LIMIT 1) IS NULL
     LIMIT 1`,
    job,
  );
  if (dead) await failByPart(core, job, dead.part);
  else await freeComplete(core, [job]);
}

/** Tells those that wait for jobs which have ended; some of them end in their turn. */
export async function settleParts(core: Core): Promise<void> {
  const { own, jobs } = core.tables;
  while (core.endedParts.length > 0) {
    const ended = core.endedParts.splice(0);
    const succeeded = ended.filter(({ ending }) => ending.status === "succeeded");
    for (const { id, ending } of succeeded)
      await core.rows(`UPDATE ${own}.parts SET result = $2 WHERE part = $1`, id, clean(ending.result!));
    // All in one order: those that end at the same time meet at the jobs that wait for several of them.
    const waiting = await core.rows<{ id: string }>(
      `SELECT id FROM ${jobs} WHERE name IN ${core.ours} AND blocked AND state < 'active'
         AND id = ANY (ARRAY(SELECT job FROM ${own}.parts WHERE part = ANY ${ids})) ORDER BY id FOR UPDATE`,
      JSON.stringify(ended.map(({ id }) => id)),
    );
    if (waiting.length === 0) continue;
    const failed = ended.filter(({ ending }) => ending.status !== "succeeded").map(({ id }) => id);
    const hopeless = failed.length === 0 ? [] : await waitingFor(core, failed);
    for (const { job, part } of hopeless) if (waiting.some(({ id }) => id === job)) await failByPart(core, job, part);
    const doomed = new Set(hopeless.map(({ job }) => job));
    await freeComplete(
      core,
      waiting.map(({ id }) => id).filter((id) => !doomed.has(id)),
    );
  }
}

/** Each waiting job once, with a part of it. */
function waitingFor(core: Core, parts: readonly string[]): Promise<readonly { job: string; part: string }[]> {
  return core.rows(
    `SELECT DISTINCT ON (job) job, part FROM ${core.tables.own}.parts WHERE part = ANY ${ids}`,
    JSON.stringify(parts),
  );
}

async function failByPart(core: Core, job: string, part: string): Promise<void> {
  const [row] = await core.rows<JobRow>(`SELECT ${jobColumns} FROM ${jobTables(core.tables)} WHERE j.id = $1`, part);
  const error: JobErrorData = chordPartFailed(part, row && toJob(row));
  await end(core, job, { status: "failed", error, failedByPart: true });
}

/** Lets those run of which all parts have succeeded. Counted anew each time, within the transaction, behind a lock. */
async function freeComplete(core: Core, waiting: readonly string[]): Promise<void> {
  if (waiting.length === 0) return;
  const { own, jobs } = core.tables;
  const complete = await core.rows<{ id: string; data: JobData; parts: readonly [string, string][] | null }>(
    `SELECT j.id, j.data, (SELECT json_agg(json_build_array(part, result)) FROM ${own}.parts WHERE job = j.id) AS parts
     FROM ${jobs} j WHERE j.name IN ${core.ours} AND j.id = ANY ${ids}
       AND NOT EXISTS (SELECT 1 FROM ${own}.parts WHERE job = j.id AND result IS NULL)`,
    JSON.stringify(waiting),
  );
  for (const { id, data, parts } of complete) {
    const { after, delayMs = 0 } = data.options;
    const args = withResults({ args: data.args, after }, new Map(parts));
    await core.rows(
      `UPDATE ${jobs} SET blocked = false, start_after = now() + $3 * interval '1 millisecond',
         data = jsonb_set(data, '{args}', to_jsonb($2::text))
       WHERE name IN ${core.ours} AND id = $1`,
      id,
      clean(args),
      delayMs,
    );
    core.changed.push(id);
  }
}
