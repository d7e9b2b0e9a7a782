import type { FinalStatus } from "../../tasks/job.ts";
import type { Core } from "./core.ts";

const everyMs = 1_000;
/** So many are forgotten at a time: no transaction is long because of it. */
const maxForgotten = 500;

/** Forgets jobs whose time is over, now and then. */
export function forgetEnded(core: Core): void {
  const { db, now } = core;
  if (now < core.nextForgetAt) return;
  const ids = db.all<{ id: string }>(
    "SELECT id FROM afterword_ended WHERE forget_at <= ? ORDER BY forget_at LIMIT ?",
    now,
    maxForgotten,
  );
  for (const { id } of ids) forget(core, id);
  core.nextForgetAt = ids.length === maxForgotten ? now : now + everyMs;
}

export function forget({ db, tallies }: Core, id: string): boolean {
  db.run("DELETE FROM afterword_parts WHERE job = ?", id);
  const row = db.get<{ queue: string; state: FinalStatus }>(
    "DELETE FROM afterword_ended WHERE id = ? RETURNING queue, state",
    id,
  );
  if (row) tallies.add(row.queue, row.state, -1);
  return row !== undefined;
}
