import type { JobErrorData, JobStatus } from "../../tasks/job.ts";
import { chordPartFailed, withResults } from "../pulled/part-results.ts";
import type { Core } from "./core.ts";
import { end, type FinalEnding } from "./ending.ts";
import type { JobInsert } from "./job-insert.ts";
import { parseSettings } from "../pulled/job-settings.ts";

interface EndedPart {
  readonly task: string;
  readonly state: JobStatus;
  readonly result: string | null;
  readonly error: string | null;
  readonly reason: string | null;
}

/** A job was stored that waits for others, of which some may have ended already. */
export function awaitParts(core: Core, job: JobInsert): void {
  const { db } = core;
  for (const part of new Set(job.after!.ids)) {
    const result =
      db.get<{ result: string | null }>("SELECT result FROM afterword_ended WHERE id = ?", part)?.result ?? null;
    if (result === null) db.run("UPDATE afterword_jobs SET is_part = 1 WHERE id = ?", part);
    db.run("INSERT INTO afterword_parts (job, part, result) VALUES (?, ?, ?)", job.id, part, result);
  }
  settleWaiting(core, job.id);
}

/** Lets a job that waits for others find out how they are. */
export function settleWaiting(core: Core, job: string): void {
  const dead = core.db.get<{ part: string }>(
    `SELECT part FROM afterword_parts WHERE job = ? AND result IS NULL AND NOT EXISTS (SELECT 1 FROM afterword_jobs WHERE id = part) LIMIT 1`,
    job,
  );
  if (dead) failByPart(core, job, dead.part, endedPart(core, dead.part));
  else freeIfComplete(core, job);
}

/** Tells those that wait for jobs which have ended; some of them end in their turn. */
export function settleParts(core: Core): void {
  for (let ended = core.endedParts.pop(); ended; ended = core.endedParts.pop())
    tellDependents(core, ended.id, ended.ending);
}

function tellDependents(core: Core, part: string, ending: FinalEnding): void {
  const { db } = core;
  if (ending.status === "succeeded")
    db.run("UPDATE afterword_parts SET result = ? WHERE part = ?", ending.result!, part);
  for (const { job } of db.all<{ job: string }>("SELECT job FROM afterword_parts WHERE part = ?", part)) {
    const waits =
      db.get("SELECT 1 FROM afterword_jobs WHERE id = ? AND state = 'scheduled' AND run_at IS NULL", job) !== undefined;
    if (!waits) continue;
    if (ending.status === "succeeded") freeIfComplete(core, job);
    else failByPart(core, job, part, endedPart(core, part));
  }
}

function endedPart({ db }: Core, id: string): EndedPart | undefined {
  return db.get<EndedPart>("SELECT task, state, result, error, reason FROM afterword_ended WHERE id = ?", id);
}

function failByPart(core: Core, job: string, part: string, ended: EndedPart | undefined): void {
  const error = chordPartFailed(
    part,
    ended && {
      task: ended.task,
      status: ended.state,
      error: ended.error === null ? undefined : (JSON.parse(ended.error) as JobErrorData),
      reason: ended.reason ?? undefined,
    },
  );
  end(core, job, { status: "failed", error, failedByPart: true });
}

/** Whether all jobs that it waits for have succeeded. Counted anew each time, within the transaction. */
export function isComplete({ db }: Core, job: string): boolean {
  return db.get("SELECT 1 FROM afterword_parts WHERE job = ? AND result IS NULL LIMIT 1", job) === undefined;
}

function freeIfComplete(core: Core, job: string): void {
  if (!isComplete(core, job)) return;
  const { db, now, tallies } = core;
  const row = db.get<{ args: string; settings: string; queue: string }>(
    "SELECT args, settings, queue FROM afterword_jobs WHERE id = ?",
    job,
  )!;
  const { after, delayMs = 0 } = parseSettings(row.settings);
  const results = db.all<{ part: string; result: string }>(
    "SELECT part, result FROM afterword_parts WHERE job = ?",
    job,
  );
  const args = withResults({ args: row.args, after }, new Map(results.map(({ part, result }) => [part, result])));
  db.run(
    "UPDATE afterword_jobs SET args = ?, state = ?, run_at = ? WHERE id = ?",
    args,
    delayMs > 0 ? "scheduled" : "queued",
    now + delayMs,
    job,
  );
  if (delayMs === 0) tallies.move(row.queue, "scheduled", "queued");
  core.changed.push(job);
}
