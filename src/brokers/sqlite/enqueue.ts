import type { StoredJob } from "../../tasks/broker.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { Core } from "./core.ts";
import type { Value } from "./database.ts";
import { takeIn } from "./intake.ts";
import type { JobInsert, JobKind } from "./job-insert.ts";
import { awaitParts } from "./parts.ts";

/** What became of jobs: mostly that they are stored as they were given. */
export type Stored = readonly StoredJob[] | "as given";

export function toStoredJobs(stored: Stored, jobs: readonly { readonly id: string }[]): readonly StoredJob[] {
  return stored === "as given" ? jobs.map(({ id }) => ({ id, isDuplicate: false })) : stored;
}

/**
 * Stores jobs, all or none: it runs within a transaction.
 *
 * @throws {StoreError} with code `queue_full`, before anything was changed
 */
export function enqueue(core: Core, jobs: readonly JobInsert[]): Stored {
  const { stored, added } = takeIn(core, jobs);
  assertRoom(core, added.length);
  insert(core, added);
  let kind: JobKind | undefined;
  for (const job of added) {
    if (job.kind !== kind) setLimits(core, job.kind);
    kind = job.kind;
    core.tallies.add(kind.queue, stateOf(job), 1);
    core.changed.push(job.id);
  }
  // When all are there, since a job may stand before one that it waits for.
  for (const job of added) if (job.after) awaitParts(core, job);
  return stored;
}

function stateOf({ after, kind }: JobInsert): "queued" | "scheduled" {
  return after === undefined && kind.delayMs === 0 ? "queued" : "scheduled";
}

const columns =
  "id, task, queue, lane, state, priority, args, settings, meta, unique_key, stored_at, run_at, expires_at";
const placeholders = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const insertOne = `INSERT INTO afterword_jobs (${columns}) VALUES ${placeholders}`;

/** So many rows go into one statement: beyond it, there is hardly anything to be gained. */
const rowsAtOnce = 20;
const insertMany = `INSERT INTO afterword_jobs (${columns}) VALUES ${Array(rowsAtOnce).fill(placeholders).join(", ")}`;

function insert({ db, now }: Core, jobs: readonly JobInsert[]): void {
  let index = 0;
  for (; index + rowsAtOnce <= jobs.length; index += rowsAtOnce) {
    const values: Value[] = [];
    for (let at = index; at < index + rowsAtOnce; at++) addValues(values, jobs[at]!, now);
    db.run(insertMany, ...values);
  }
  for (; index < jobs.length; index++) db.run(insertOne, ...addValues([], jobs[index]!, now));
}

function addValues(values: Value[], job: JobInsert, now: number): Value[] {
  const { id, args, meta, uniqueKey, after, kind } = job;
  const { task, queue, limits, priority, settings, delayMs, expiresMs } = kind;
  values.push(
    id,
    task,
    queue,
    limits ? task : "",
    stateOf(job),
    priority,
    args,
    settings,
    meta,
    uniqueKey ?? null,
    now,
    after ? null : now + delayMs,
    expiresMs === undefined ? null : now + expiresMs,
  );
  return values;
}

/** The limits of the job that was stored last are in force, also when it has none. */
function setLimits({ db }: Core, { task, limits }: JobKind): void {
  const values = [limits?.maxRunning ?? null, limits?.rate?.limit ?? null, limits?.rate?.perMs ?? null] as const;
  if (limits) db.run("INSERT INTO afterword_lanes (lane) VALUES (?) ON CONFLICT DO NOTHING", task);
  db.run(
    `UPDATE afterword_lanes SET max_running = ?2, rate_limit = ?3, rate_ms = ?4
     WHERE lane = ?1 AND (max_running IS NOT ?2 OR rate_limit IS NOT ?3 OR rate_ms IS NOT ?4)`,
    task,
    ...values,
  );
}

function assertRoom({ db, maxQueued, tallies }: Core, count: number): void {
  if (maxQueued === undefined || count === 0) return;
  tallies.store();
  const { waiting } = db.get<{ waiting: number }>(
    "SELECT coalesce(sum(count), 0) AS waiting FROM afterword_tallies WHERE state IN ('queued', 'scheduled')",
  )!;
  if (waiting + count > maxQueued)
    throw new StoreError(
      "queue_full",
      `Nothing was stored: ${waiting} jobs wait, and ${count} more would be over maxQueued, which is ${maxQueued}. Try again later, or raise it.`,
    );
}
