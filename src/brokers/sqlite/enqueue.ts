import type { StoredJob } from "../../tasks/broker.ts";
import type { NewJob } from "../../tasks/job.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { Core } from "./core.ts";
import { toSettings } from "./job-row.ts";
import { awaitParts } from "./parts.ts";

/** Stores jobs, all or none: it runs within a transaction. */
export function enqueue(core: Core, jobs: readonly NewJob[]): readonly StoredJob[] {
  assertRoom(core, jobs.length);
  const waiting: NewJob[] = [];
  const stored = jobs.map((job) => {
    const result = insert(core, job);
    if (result === undefined) {
      if (job.after) waiting.push(job);
      core.changed.push(job.id);
      return { id: job.id, isDuplicate: false };
    }
    return result;
  });
  // When all are there, since a job may stand before one that it waits for.
  for (const job of waiting) awaitParts(core, job);
  return stored;
}

/** @returns the job that is there in its place; `undefined` when it was stored */
function insert(core: Core, job: NewJob): StoredJob | undefined {
  const { db, now } = core;
  if (job.uniqueKey !== undefined) {
    const holder = db.get<{ id: string }>(
      "SELECT id FROM jobs WHERE task = ? AND unique_key = ?",
      job.task,
      job.uniqueKey,
    );
    if (holder) return { id: holder.id, isDuplicate: holder.id !== job.id };
  }
  if (job.limits) setLimits(core, job);
  const isReady = job.after === undefined && job.delayMs === 0;
  const inserted = db.run(
    `INSERT INTO jobs (id, task, queue, lane, state, priority, args, settings, meta, unique_key, stored_at, run_at, expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    job.id,
    job.task,
    job.queue,
    job.limits ? job.task : "",
    isReady ? "queued" : "scheduled",
    job.priority,
    job.args,
    toSettings(job),
    metaText(job.meta),
    job.uniqueKey ?? null,
    now,
    job.after ? null : now + job.delayMs,
    job.expiresMs === undefined ? null : now + job.expiresMs,
  );
  const isKnown = inserted === 0 || core.hasEnded(job.id);
  if (!isKnown) return undefined;
  // It has ended, and is still kept: storing it again is storing it once.
  if (inserted > 0) db.run("DELETE FROM jobs WHERE id = ?", job.id);
  return { id: job.id, isDuplicate: false };
}

function metaText(meta: NewJob["meta"]): string {
  for (const _ in meta) return JSON.stringify(meta);
  return "{}";
}

/** The limits of the job that was stored last are in force. */
function setLimits({ db }: Core, { task, limits }: NewJob): void {
  db.run(
    `INSERT INTO lanes (lane, max_running, rate_limit, rate_ms) VALUES (?, ?, ?, ?)
     ON CONFLICT (lane) DO UPDATE SET max_running = excluded.max_running, rate_limit = excluded.rate_limit, rate_ms = excluded.rate_ms
     WHERE max_running IS NOT excluded.max_running OR rate_limit IS NOT excluded.rate_limit OR rate_ms IS NOT excluded.rate_ms`,
    task,
    limits!.maxRunning ?? null,
    limits!.rate?.limit ?? null,
    limits!.rate?.perMs ?? null,
  );
}

function assertRoom({ db, maxQueued }: Core, count: number): void {
  if (maxQueued === undefined) return;
  const row = db.get<{ waiting: number }>(
    "SELECT count(*) AS waiting FROM (SELECT 1 FROM jobs WHERE state = 'queued' UNION ALL SELECT 1 FROM jobs WHERE state = 'scheduled' LIMIT ?)",
    maxQueued + 1,
  );
  const { waiting } = row!;
  if (waiting + count > maxQueued)
    throw new StoreError(
      "queue_full",
      `${waiting > maxQueued ? `More than ${maxQueued}` : waiting} jobs wait, and with ${count} more there would be more than maxQueued, which is ${maxQueued}. Try again later, or raise it.`,
    );
}
