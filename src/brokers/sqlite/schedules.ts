import type { ScheduleRecord } from "../../tasks/broker.ts";
import type { NewJob } from "../../tasks/job.ts";
import type { Core } from "./core.ts";
import { enqueue, toStoredJobs } from "./enqueue.ts";
import { toInsert } from "./job-insert.ts";

interface ScheduleRow {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly task: string;
  readonly last_tick_at: number | null;
  readonly last_job: string | null;
  readonly created_at: number;
  readonly is_paused: number;
}

export function putSchedule(
  { db, now }: Core,
  { name, cron, timezone, task }: Pick<ScheduleRecord, "name" | "cron" | "timezone" | "task">,
): ScheduleRecord {
  db.run(
    `INSERT INTO schedules (name, cron, timezone, task, created_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, timezone = excluded.timezone, task = excluded.task`,
    name,
    cron,
    timezone,
    task,
    now,
  );
  return toRecord(db.get<ScheduleRow>("SELECT * FROM schedules WHERE name = ?", name)!);
}

export function removeSchedule({ db }: Core, name: string): boolean {
  return db.run("DELETE FROM schedules WHERE name = ?", name) === 1;
}

export function schedules({ db }: Core): readonly ScheduleRecord[] {
  return db.all<ScheduleRow>("SELECT * FROM schedules ORDER BY name").map(toRecord);
}

export function pauseSchedule({ db }: Core, name: string, isPaused: boolean): boolean {
  return db.run("UPDATE schedules SET is_paused = ? WHERE name = ?", isPaused ? 1 : 0, name) === 1;
}

/** Stores the jobs of ticks that nobody has stored before. */
export function tick(
  core: Core,
  schedule: string,
  ticks: readonly { readonly at: number; readonly job: NewJob }[],
): readonly boolean[] {
  const { db } = core;
  const row = db.get<ScheduleRow>("SELECT * FROM schedules WHERE name = ?", schedule);
  let lastAt = row === undefined || row.is_paused === 1 ? Infinity : (row.last_tick_at ?? -Infinity);
  const areNext = ticks.map(({ at }) => {
    const isNext = at > lastAt;
    if (isNext) lastAt = at;
    return isNext;
  });
  // First the jobs: when there is no room for them, the ticks are still to be stored.
  const jobs = ticks.filter((_, index) => areNext[index]).map(({ job }) => toInsert(job));
  const stored = toStoredJobs(enqueue(core, jobs), jobs);
  if (stored.length > 0)
    db.run("UPDATE schedules SET last_tick_at = ?, last_job = ? WHERE name = ?", lastAt, stored.at(-1)!.id, schedule);
  return areNext;
}

function toRecord(row: ScheduleRow): ScheduleRecord {
  return {
    name: row.name,
    cron: row.cron,
    timezone: row.timezone,
    task: row.task,
    lastTickAt: row.last_tick_at ?? undefined,
    lastJobId: row.last_job ?? undefined,
    createdAt: row.created_at,
    isPaused: row.is_paused === 1,
  };
}
