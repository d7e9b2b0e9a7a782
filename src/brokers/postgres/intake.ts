import type { StoredJob } from "../../tasks/broker.ts";
import { clean, type Core } from "./core.ts";
import type { JobInsert } from "./job-insert.ts";

/** What becomes of jobs that are handed over. */
interface Intake {
  readonly stored: readonly StoredJob[];
  /** Those that are new. */
  readonly added: readonly JobInsert[];
}

/** Sorts out jobs that are known already, and those for which another one stands. Takes the unique keys of the others. */
export async function takeIn(core: Core, jobs: readonly JobInsert[]): Promise<Intake> {
  const known = await knownIds(core, jobs);
  const holders = await takeKeys(
    core,
    jobs.filter(({ job }) => !known.has(job.id)),
  );
  /** The ids of others that stand for jobs of this batch. */
  const standIns = new Map<string, string>();
  const added: JobInsert[] = [];
  const stored = jobs.map((insert): StoredJob => {
    const { id, task } = insert.job;
    if (known.has(id)) return { id, isDuplicate: false };
    const holder = insert.uniqueKey === undefined ? id : holders.get(keyOf(task, insert.uniqueKey))!;
    if (holder !== id) {
      standIns.set(id, holder);
      return { id: holder, isDuplicate: true };
    }
    known.add(id);
    const after = insert.after && { ...insert.after, ids: insert.after.ids.map((part) => standIns.get(part) ?? part) };
    added.push({ ...insert, after });
    return { id, isDuplicate: false };
  });
  return { stored, added };
}

async function knownIds(core: Core, jobs: readonly JobInsert[]): Promise<Set<string>> {
  const rows = await core.rows<{ id: string }>(
    `SELECT id FROM ${core.tables.jobs} WHERE name IN ${core.ours} AND id = ANY (ARRAY(SELECT json_array_elements_text($1::json)::uuid))`,
    JSON.stringify(jobs.map(({ job }) => job.id)),
  );
  return new Set(rows.map(({ id }) => id));
}

function keyOf(task: string, key: string): string {
  return JSON.stringify([clean(task), key]);
}

/** Takes keys that are free, and finds out who has the others. In one order for all, so that nobody waits in a circle. */
async function takeKeys(core: Core, jobs: readonly JobInsert[]): Promise<ReadonlyMap<string, string>> {
  const wanted = new Map<string, { task: string; key: string; job: string }>();
  for (const { job, uniqueKey } of jobs) {
    if (uniqueKey === undefined) continue;
    const key = keyOf(job.task, uniqueKey);
    if (!wanted.has(key)) wanted.set(key, { task: clean(job.task), key: uniqueKey, job: job.id });
  }
  if (wanted.size === 0) return new Map();
  const holders = new Map<string, string>();
  const sorted = [...wanted].toSorted(([a], [b]) => (a < b ? -1 : 1));
  // A key may become free between the two statements: then it is taken in the next turn.
  while (holders.size < wanted.size) {
    const text = JSON.stringify(sorted.filter(([key]) => !holders.has(key)).map(([, row]) => row));
    await core.rows(
      `INSERT INTO ${core.tables.own}.keys (task, key, job)
       SELECT task, key, job FROM json_to_recordset($1::json) AS given (task text, key text, job uuid) ON CONFLICT DO NOTHING`,
      text,
    );
    const rows = await core.rows<{ task: string; key: string; job: string }>(
      `SELECT k.task, k.key, k.job FROM ${core.tables.own}.keys k
       JOIN json_to_recordset($1::json) AS given (task text, key text, job uuid) ON k.task = given.task AND k.key = given.key
       FOR SHARE OF k`,
      text,
    );
    for (const { task, key, job } of rows) holders.set(keyOf(task, key), job);
  }
  return holders;
}
