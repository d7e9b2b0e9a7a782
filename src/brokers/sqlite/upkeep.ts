import type { Core } from "./core.ts";
import { end } from "./ending.ts";

/** So many jobs change their state by time in one transaction; the next one goes on. */
const maxAtOnce = 1_000;

/** Whether the time of some job has come. */
export function isUpkeepDue({ db, now }: Core): boolean {
  return (
    db.get("SELECT 1 FROM afterword_jobs WHERE state = 'scheduled' AND run_at <= ? LIMIT 1", now) !== undefined ||
    db.get(
      "SELECT 1 FROM afterword_jobs WHERE expires_at IS NOT NULL AND epoch = 0 AND expires_at <= ? LIMIT 1",
      now,
    ) !== undefined
  );
}

/** What time alone does to jobs, done before anybody looks: they expire, or their delay is over. */
export function upkeep(core: Core): void {
  expire(core);
  promote(core);
}

/** Those that were not started in time, of those that never were. */
function expire(core: Core): void {
  const rows = core.db.all<{ id: string; ms: number }>(
    `SELECT id, expires_at - stored_at AS ms FROM afterword_jobs
     WHERE expires_at IS NOT NULL AND epoch = 0 AND expires_at <= ? ORDER BY expires_at LIMIT ?`,
    core.now,
    maxAtOnce,
  );
  for (const { id, ms } of rows) end(core, id, { status: "expired", reason: `it was not started within ${ms} ms` });
}

/** Those whose delay is over. */
function promote(core: Core): void {
  const rows = core.db.all<{ id: string; queue: string }>(
    `UPDATE afterword_jobs SET state = 'queued' WHERE place IN
       (SELECT place FROM afterword_jobs WHERE state = 'scheduled' AND run_at <= ? ORDER BY run_at LIMIT ?)
     RETURNING id, queue`,
    core.now,
    maxAtOnce,
  );
  for (const { id, queue } of rows) {
    core.tallies.move(queue, "scheduled", "queued");
    core.changed.push(id);
  }
}
