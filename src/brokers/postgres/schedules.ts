import type { ScheduleRecord } from "../../tasks/broker.ts";
import { areNext, toSchedule, type ScheduleRow } from "../pulled/schedule-row.ts";
import { ms, type Core } from "./core.ts";
import { enqueue } from "./enqueue.ts";
import type { JobInsert } from "./job-insert.ts";

const columns = `name, cron, timezone, task, last_tick_at, last_job, ${ms("created_at")} AS created_at, is_paused`;

export async function putSchedule(
  core: Core,
  { name, cron, timezone, task }: Pick<ScheduleRecord, "name" | "cron" | "timezone" | "task">,
): Promise<ScheduleRecord> {
  const [row] = await core.rows<ScheduleRow>(
    `INSERT INTO ${core.tables.own}.schedules (name, cron, timezone, task) VALUES ($1, $2, $3, $4)
     ON CONFLICT (name) DO UPDATE SET cron = $2, timezone = $3, task = $4 RETURNING ${columns}`,
    name,
    cron,
    timezone,
    task,
  );
  return toSchedule(row!);
}

export async function removeSchedule(core: Core, name: string): Promise<boolean> {
  return (await core.rows(`DELETE FROM ${core.tables.own}.schedules WHERE name = $1 RETURNING 1`, name)).length === 1;
}

export async function schedules(core: Core): Promise<readonly ScheduleRecord[]> {
  const rows = await core.rows<ScheduleRow>(`SELECT ${columns} FROM ${core.tables.own}.schedules ORDER BY name`);
  return rows.map(toSchedule);
}

export async function pauseSchedule(core: Core, name: string, isPaused: boolean): Promise<boolean> {
  const text = `UPDATE ${core.tables.own}.schedules SET is_paused = $2 WHERE name = $1 RETURNING 1`;
  return (await core.rows(text, name, isPaused)).length === 1;
}

/** Stores the jobs of ticks that nobody has stored before, within a transaction. */
export async function tick(
  core: Core,
  schedule: string,
  ticks: readonly { readonly at: number; readonly job: JobInsert }[],
): Promise<readonly boolean[]> {
  const [row] = await core.rows<ScheduleRow>(
    `SELECT ${columns} FROM ${core.tables.own}.schedules WHERE name = $1 FOR UPDATE`,
    schedule,
  );
  const isNext = areNext(row, ticks);
  const next = ticks.filter((_, index) => isNext[index]);
  if (next.length === 0) return isNext;
  const stored = await enqueue(
    core,
    next.map(({ job }) => job),
  );
  await core.rows(
    `UPDATE ${core.tables.own}.schedules SET last_tick_at = $2, last_job = $3 WHERE name = $1`,
    schedule,
    next.at(-1)!.at,
    stored.at(-1)!.id,
  );
  return isNext;
}
