import type { ScheduleRecord } from "../../tasks/broker.ts";
import type { NewJob } from "../../tasks/job.ts";
import { areNext, toSchedule, type ScheduleRow } from "../pulled/schedule-row.ts";
import type { Core } from "./core.ts";
import { enqueue, toStoredJobs } from "./enqueue.ts";
import { toInsert } from "./job-insert.ts";

export function putSchedule(
  { db, now }: Core,
  { name, cron, timezone, task }: Pick<ScheduleRecord, "name" | "cron" | "timezone" | "task">,
): ScheduleRecord {
  db.run(
    `INSERT INTO afterword_schedules (name, cron, timezone, task, created_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, timezone = excluded.timezone, task = excluded.task`,
    name,
    cron,
    timezone,
    task,
    now,
  );
  return toSchedule(db.get<ScheduleRow>("SELECT * FROM afterword_schedules WHERE name = ?", name)!);
}

export function removeSchedule({ db }: Core, name: string): boolean {
  return db.run("DELETE FROM afterword_schedules WHERE name = ?", name) === 1;
}

export function schedules({ db }: Core): readonly ScheduleRecord[] {
  return db.all<ScheduleRow>("SELECT * FROM afterword_schedules ORDER BY name").map(toSchedule);
}

export function pauseSchedule({ db }: Core, name: string, isPaused: boolean): boolean {
  return db.run("UPDATE afterword_schedules SET is_paused = ? WHERE name = ?", isPaused ? 1 : 0, name) === 1;
}

/** Stores the jobs of ticks that nobody has stored before. */
export function tick(
  core: Core,
  schedule: string,
  ticks: readonly { readonly at: number; readonly job: NewJob }[],
): readonly boolean[] {
  const { db } = core;
  const row = db.get<ScheduleRow>("SELECT * FROM afterword_schedules WHERE name = ?", schedule);
  const isNext = areNext(row, ticks);
  const next = ticks.filter((_, index) => isNext[index]);
  // First the jobs: when there is no room for them, the ticks are still to be stored.
  const jobs = next.map(({ job }) => toInsert(job));
  const stored = toStoredJobs(enqueue(core, jobs), jobs);
  if (stored.length > 0)
    db.run(
      "UPDATE afterword_schedules SET last_tick_at = ?, last_job = ? WHERE name = ?",
      next.at(-1)!.at,
      stored.at(-1)!.id,
      schedule,
    );
  return isNext;
}
