import type { JobErrorData, JobStatus, NewJob } from "../../tasks/job.ts";
import { chordPartFailed, withResults } from "../embedded/part-results.ts";
import type { Core } from "./core.ts";
import { end, type FinalEnding } from "./ending.ts";
import { parseSettings } from "./job-row.ts";

interface EndedPart {
  readonly task: string;
  readonly state: JobStatus;
  readonly result: string | null;
  readonly error: string | null;
  readonly reason: string | null;
}

/** A job was stored that waits for others, of which some may have ended already. */
export function awaitParts(core: Core, job: NewJob): void {
  const { db } = core;
  for (const part of new Set(job.after!.ids)) {
    const isOpen = db.run("UPDATE jobs SET is_part = 1 WHERE id = ?", part) === 1;
    const ended = isOpen ? undefined : endedPart(core, part);
    db.run("INSERT INTO parts (job, part, result) VALUES (?, ?, ?)", job.id, part, ended?.result ?? null);
    if (!isOpen && ended?.state !== "succeeded") return failByPart(core, job.id, part, ended);
  }
  freeIfComplete(core, job.id);
}

/** A job that others wait for has ended. */
export function tellDependents(core: Core, part: string, ending: FinalEnding): void {
  const { db } = core;
  if (ending.status === "succeeded") db.run("UPDATE parts SET result = ? WHERE part = ?", ending.result!, part);
  for (const { job } of db.all<{ job: string }>("SELECT job FROM parts WHERE part = ?", part)) {
    const waits = db.get("SELECT 1 FROM jobs WHERE id = ? AND state = 'scheduled' AND run_at IS NULL", job) !== undefined;
    if (!waits) continue;
    if (ending.status === "succeeded") freeIfComplete(core, job);
    else failByPart(core, job, part, endedPart(core, part));
  }
}

function endedPart({ db }: Core, id: string): EndedPart | undefined {
  return db.get<EndedPart>("SELECT task, state, result, error, reason FROM ended WHERE id = ?", id);
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
  return db.get("SELECT 1 FROM parts WHERE job = ? AND result IS NULL LIMIT 1", job) === undefined;
}

function freeIfComplete(core: Core, job: string): void {
  if (!isComplete(core, job)) return;
  const { db, now } = core;
  const row = db.get<{ args: string; settings: string }>("SELECT args, settings FROM jobs WHERE id = ?", job)!;
  const { after, delayMs = 0 } = parseSettings(row.settings);
  const results = db.all<{ part: string; result: string }>("SELECT part, result FROM parts WHERE job = ?", job);
  const args = withResults({ args: row.args, after }, new Map(results.map(({ part, result }) => [part, result])));
  db.run(
    "UPDATE jobs SET args = ?, state = ?, run_at = ? WHERE id = ?",
    args,
    delayMs > 0 ? "scheduled" : "queued",
    now + delayMs,
    job,
  );
  core.changed.push(job);
}
