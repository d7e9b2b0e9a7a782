import type { ScheduleRecord } from "../../tasks/broker.ts";

/** A schedule as databases keep it. */
export interface ScheduleRow {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly task: string;
  readonly last_tick_at: number | null;
  readonly last_job: string | null;
  readonly created_at: number;
  readonly is_paused: boolean | 0 | 1;
}

export function toSchedule(row: ScheduleRow): ScheduleRecord {
  return {
    name: row.name,
    cron: row.cron,
    timezone: row.timezone,
    task: row.task,
    lastTickAt: row.last_tick_at ?? undefined,
    lastJobId: row.last_job ?? undefined,
    createdAt: row.created_at,
    isPaused: Boolean(row.is_paused),
  };
}

/** Which ticks of a schedule nobody has stored before: those after its last one, in their order. None when it is paused or gone. */
export function areNext(row: ScheduleRow | undefined, ticks: readonly { readonly at: number }[]): readonly boolean[] {
  let lastAt = row === undefined || row.is_paused ? Infinity : (row.last_tick_at ?? -Infinity);
  return ticks.map(({ at }) => {
    const isNext = at > lastAt;
    if (isNext) lastAt = at;
    return isNext;
  });
}
