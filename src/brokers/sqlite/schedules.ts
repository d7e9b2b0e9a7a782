import type { ScheduleRecord } from "../../tasks/broker.ts";
import type { NewJob } from "../../tasks/job.ts";
import type { Core } from "./core.ts";
import { enqueue } from "./enqueue.ts";

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
  return ticks.map(({ at, job }) => {
    const isMine =
      core.db.run(
        `UPDATE schedules SET last_tick_at = ?1, last_job = ?2
         WHERE name = ?3 AND is_paused = 0 AND (last_tick_at IS NULL OR last_tick_at < ?1)`,
        at,
        job.id,
        schedule,
      ) === 1;
    if (isMine) enqueue(core, [job]);
    return isMine;
  });
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
