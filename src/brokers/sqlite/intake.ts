import type { StoredJob } from "../../tasks/broker.ts";
import type { JobDependencies } from "../../tasks/job.ts";
import { parseSettings, type JobSettings } from "../pulled/job-settings.ts";
import type { Core } from "./core.ts";
import type { Stored } from "./enqueue.ts";
import type { JobInsert } from "./job-insert.ts";

/** What becomes of jobs that are handed over. */
export interface Intake {
  readonly stored: Stored;
  /** Those that are new. */
  readonly added: readonly JobInsert[];
}

/** Sorts out jobs that are known already, and those for which another one stands. Changes nothing. */
export function takeIn(core: Core, jobs: readonly JobInsert[]): Intake {
  const areNew = areAllNew(core, jobs);
  if (areNew && jobs.every(({ uniqueKey }) => uniqueKey === undefined)) return { stored: "as given", added: jobs };
  const known = areNew ? new Set<string>() : knownIds(core, jobs);
  /** The ids of others that stand for jobs of this batch. */
  const standIns = new Map<string, string>();
  const holders = new Map<string, string>();
  const added: JobInsert[] = [];
  const stored = jobs.map((job): StoredJob => {
    const { id, uniqueKey, kind } = job;
    if (known.has(id)) return { id, isDuplicate: false };
    if (uniqueKey !== undefined) {
      const key = JSON.stringify([kind.task, uniqueKey]);
      const holder = holders.get(key) ?? holderOf(core, kind.task, uniqueKey);
      if (holder !== undefined) {
        standIns.set(id, holder);
        return { id: holder, isDuplicate: true };
      }
      holders.set(key, id);
    }
    known.add(id);
    added.push(job.after && standIns.size > 0 ? withStandIns(job, job.after, standIns) : job);
    return { id, isDuplicate: false };
  });
  return { stored, added };
}

/** Whether surely none of them is known: ids grow with time, so it is enough to look at the largest ones that are. */
function areAllNew({ db }: Core, jobs: readonly JobInsert[]): boolean {
  const { open, ended } = db.get<{ open: string | null; ended: string | null }>(
    "SELECT (SELECT max(id) FROM afterword_jobs) AS open, (SELECT max(id) FROM afterword_ended) AS ended",
  )!;
  let last = open ?? "";
  if (ended !== null && ended > last) last = ended;
  for (const { id } of jobs) {
    if (id <= last) return false;
    last = id;
  }
  return true;
}

function knownIds({ db }: Core, jobs: readonly JobInsert[]): Set<string> {
  const rows = db.all<{ id: string }>(
    `SELECT id FROM afterword_jobs WHERE id IN (SELECT value FROM json_each(?1))
     UNION ALL SELECT id FROM afterword_ended WHERE id IN (SELECT value FROM json_each(?1))`,
    JSON.stringify(jobs.map(({ id }) => id)),
  );
  return new Set(rows.map(({ id }) => id));
}

function holderOf({ db }: Core, task: string, uniqueKey: string): string | undefined {
  return db.get<{ id: string }>("SELECT id FROM afterword_jobs WHERE unique_key = ? AND task = ?", uniqueKey, task)?.id;
}

/** Whoever waits for a job that was not stored waits for the one that stands for it. */
function withStandIns(
  job: JobInsert,
  { ids, pass }: JobDependencies,
  standIns: ReadonlyMap<string, string>,
): JobInsert {
  const after: JobDependencies = { ids: ids.map((id) => standIns.get(id) ?? id), pass };
  const settings: JobSettings = { ...parseSettings(job.kind.settings), after };
  return { ...job, after, kind: { ...job.kind, settings: JSON.stringify(settings) } };
}
