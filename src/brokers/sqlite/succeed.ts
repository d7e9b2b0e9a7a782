import type { Core } from "./core.ts";

/** Moves jobs to those that have ended, if their hold still stands: two statements for all of them. */
const move = `INSERT INTO afterword_ended (id, task, queue, state, priority, args, settings, meta, unique_key, failed_by_part, attempt, deliveries,
     epoch, stored_at, run_at, expires_at, started_at, ended_at, forget_at, worker, reason, result, error, failures, progress, log)
   SELECT afterword_jobs.id, task, queue, 'succeeded', priority, args, settings, meta, unique_key, 0, attempt, deliveries,
     epoch, stored_at, run_at, expires_at, started_at, ?2, ?2 + (settings ->> '$.keepResultMs'), worker, reason, given.value ->> 2,
     NULL, failures, progress, log
   FROM json_each(?1) AS given CROSS JOIN afterword_jobs ON afterword_jobs.id = given.value ->> 0
   WHERE epoch = given.value ->> 1 AND state = 'running'
   ON CONFLICT (id) DO NOTHING
   RETURNING id, epoch, queue`;
const clear = "DELETE FROM afterword_jobs WHERE id IN (SELECT value FROM json_each(?))";
const partsOf = "SELECT DISTINCT part FROM afterword_parts WHERE part IN (SELECT value FROM json_each(?))";

/**
 * Stores the endings of jobs that have succeeded.
 *
 * @param endings - the id, the epoch and the result of each
 * @returns for each, whether it was accepted
 */
export function succeed(core: Core, endings: readonly (string | number)[]): readonly boolean[] | "all" {
  const { db, now } = core;
  const given: [id: string, epoch: number, result: string][] = [];
  for (let index = 0; index < endings.length; index += 3)
    given.push([endings[index] as string, endings[index + 1] as number, endings[index + 2] as string]);
  const moved = db.tuples<[id: string, epoch: number, queue: string]>(move, JSON.stringify(given), now);
  if (moved.length === 0) return given.map(() => false);
  const ids = moved.map(([id]) => id);
  const text = JSON.stringify(ids);
  db.run(clear, text);
  for (const [id, , queue] of moved) {
    core.tallies.move(queue, "running", "succeeded");
    core.changed.push(id);
  }
  for (const [part] of db.tuples<[string]>(partsOf, text)) {
    const result = given.find(
      ([id, epoch]) => id === part && moved.some((hold) => hold[0] === id && hold[1] === epoch),
    )![2];
    core.endedParts.push({ id: part, ending: { status: "succeeded", result } });
  }
  if (moved.length === given.length) return "all";
  const epochs = new Map(moved.map(([id, epoch]) => [id, epoch]));
  return given.map(([id, epoch]) => epochs.get(id) === epoch && epochs.delete(id));
}
