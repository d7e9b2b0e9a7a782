import type { JobFilter, QueueCounts, WorkerRecord } from "../../tasks/broker.ts";
import { isFinal, jobStatuses, type JobStatus } from "../../tasks/job.ts";
import type { Core } from "./core.ts";
import type { Value } from "./database.ts";
import { selectEnded, selectJobs, type JobRow } from "./job-row.ts";

export function get({ db }: Core, ids: readonly string[]): readonly (JobRow | undefined)[] {
  return ids.map(
    (id) => db.get<JobRow>(`${selectJobs} WHERE id = ?`, id) ?? db.get<JobRow>(`${selectEnded} WHERE id = ?`, id),
  );
}

/** A part of a list, as rows: they cross from the thread. */
export interface ListRows {
  readonly rows: readonly JobRow[];
  readonly next: string | undefined;
}

/** Newest first by their ids, out of both tables. */
export function list(
  core: Core,
  { filter, limit, after }: { readonly filter: JobFilter; readonly limit: number; readonly after?: string | undefined },
): ListRows {
  const { statuses = jobStatuses } = filter;
  const open = statuses.filter((status) => !isFinal(status));
  const ended = statuses.filter(isFinal);
  const rows = [
    ...(open.length > 0 ? select(core, selectJobs, open, filter, limit + 1, after, false) : []),
    ...(ended.length > 0 ? select(core, selectEnded, ended, filter, limit + 1, after, true) : []),
  ].sort((a, b) => (a.id < b.id ? 1 : -1));
  const page = rows.slice(0, limit);
  return { rows: page, next: rows.length > limit ? page.at(-1)!.id : undefined };
}

function select(
  { db }: Core,
  from: string,
  statuses: readonly JobStatus[],
  { queue, task, uniqueKey, text }: JobFilter,
  limit: number,
  after: string | undefined,
  hasErrors: boolean,
): JobRow[] {
  const conditions = [statuses.length === 1 ? "state = ?" : "state IN (SELECT value FROM json_each(?))"];
  const values: Value[] = [statuses.length === 1 ? statuses[0]! : JSON.stringify(statuses)];
  const add = (condition: string, ...given: Value[]): void => {
    conditions.push(condition);
    values.push(...given);
  };
  if (after !== undefined) add("id < ?", after);
  if (queue !== undefined) add("queue = ?", queue);
  if (task !== undefined) add("task = ?", task);
  if (uniqueKey !== undefined) add("unique_key = ?", uniqueKey);
  if (text !== undefined) {
    if (hasErrors) add("(instr(args, ?) OR instr(id, ?) OR instr(error ->> '$.message', ?))", text, text, text);
    else add("(instr(args, ?) OR instr(id, ?))", text, text);
  }
  return db.all<JobRow>(`${from} WHERE ${conditions.join(" AND ")} ORDER BY id DESC LIMIT ?`, ...values, limit);
}

type MutableCounts = { -readonly [K in keyof QueueCounts]: QueueCounts[K] };

/** Counted from indexes alone. */
export function counts({ db }: Core): readonly QueueCounts[] {
  const found = new Map<string, MutableCounts>();
  const of = (queue: string): MutableCounts => {
    let known = found.get(queue);
    if (known === undefined) {
      const zeros = Object.fromEntries(jobStatuses.map((status) => [status, 0])) as Record<JobStatus, number>;
      found.set(queue, (known = { queue, isPaused: false, oldestQueuedAt: undefined, ...zeros }));
    }
    return known;
  };
  for (const { queue } of db.all<{ queue: string }>("SELECT queue FROM paused")) of(queue).isPaused = true;
  for (const { queue, count, oldest } of db.all<{ queue: string; count: number; oldest: number }>(
    "SELECT queue, count(*) AS count, min(run_at) AS oldest FROM jobs WHERE state = 'queued' GROUP BY queue",
  ))
    Object.assign(of(queue), { queued: count, oldestQueuedAt: oldest });
  for (const state of ["scheduled", "running"] as const)
    for (const { queue, count } of db.all<{ queue: string; count: number }>(
      `SELECT queue, count(*) AS count FROM jobs WHERE state = '${state}' GROUP BY queue`,
    ))
      of(queue)[state] = count;
  for (const { queue, state, count } of db.all<{ queue: string; state: JobStatus; count: number }>(
    "SELECT queue, state, count(*) AS count FROM ended GROUP BY queue, state",
  ))
    of(queue)[state] = count;
  return [...found.values()].sort((a, b) => (a.queue < b.queue ? -1 : 1));
}

export function workers({ db, now }: Core): readonly WorkerRecord[] {
  return db
    .all<Record<string, string | number>>(
      "SELECT id, host, pid, queues, slots, running, started_at AS startedAt, seen_at AS seenAt FROM workers WHERE seen_at + lease_ms > ? ORDER BY id",
      now,
    )
    .map((row) => ({ ...row, queues: JSON.parse(row.queues as string) as string[] }) as unknown as WorkerRecord);
}
