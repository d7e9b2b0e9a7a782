import type { CancelResult, QueueCounts, ScheduleRecord, WorkerRecord } from "../../tasks/broker.ts";
import type { NewJob } from "../../tasks/job.ts";
import type { Extension, Hold, Report } from "../pulled/store.ts";
import { cancel, purge, remove, retry, type Purged, type PurgeRequest } from "./change.ts";
import { claim, type ClaimRequest, type ClaimRows } from "./claim.ts";
import type { Core } from "./core.ts";
import { enqueue, type Stored } from "./enqueue.ts";
import { extend, finish, renew, report, type Accepted, type Endings, type ExtendRequest } from "./finish.ts";
import { counts, get, workers } from "./inspect.ts";
import type { JobInsert } from "./job-insert.ts";
import type { JobRow } from "./job-row.ts";
import { list, type ListRequest, type ListRows } from "./list.ts";
import { pauseSchedule, putSchedule, removeSchedule, schedules, tick } from "./schedules.ts";

/** What is asked with each verb, and what comes of it: plain data both, since they cross to a thread and back. */
interface VerbTypes {
  enqueue: [readonly JobInsert[], Stored];
  claim: [ClaimRequest, ClaimRows];
  holds: [worker: string, readonly Hold[]];
  finish: [Endings, Accepted];
  extend: [ExtendRequest, Extension];
  renew: [readonly (Hold & { readonly leaseMs: number })[], void];
  report: [readonly Report[], void];
  leave: [worker: string, void];
  get: [ids: readonly string[], readonly (JobRow | undefined)[]];
  list: [ListRequest, ListRows];
  counts: [undefined, readonly QueueCounts[]];
  workers: [undefined, readonly WorkerRecord[]];
  cancel: [{ readonly ids: readonly string[]; readonly reason: string }, readonly CancelResult[]];
  retry: [ids: readonly string[], readonly boolean[]];
  remove: [ids: readonly string[], readonly boolean[]];
  purge: [PurgeRequest, Purged];
  pause: [queue: string, void];
  resume: [queue: string, void];
  putSchedule: [Pick<ScheduleRecord, "name" | "cron" | "timezone" | "task">, ScheduleRecord];
  removeSchedule: [name: string, boolean];
  schedules: [undefined, readonly ScheduleRecord[]];
  pauseSchedule: [{ readonly name: string; readonly isPaused: boolean }, boolean];
  tick: [
    { readonly schedule: string; readonly ticks: readonly { readonly at: number; readonly job: NewJob }[] },
    readonly boolean[],
  ];
}

export type Verb = keyof VerbTypes;
export type VerbRequest<V extends Verb> = VerbTypes[V][0];
export type VerbResult<V extends Verb> = VerbTypes[V][1];

/** What can be asked of the file: each within a transaction. */
export const verbs: { readonly [V in Verb]: (core: Core, request: VerbRequest<V>) => VerbResult<V> } = {
  enqueue,
  claim,
  holds: ({ db }, worker) =>
    db.all<Hold>("SELECT id, epoch FROM afterword_jobs WHERE state = 'running' AND worker = ?", worker),
  finish,
  extend,
  renew,
  report,
  leave: ({ db }, worker) => void db.run("DELETE FROM afterword_workers WHERE id = ?", worker),
  get,
  list,
  counts,
  workers,
  cancel: (core, { ids, reason }) => cancel(core, ids, reason),
  retry,
  remove,
  purge,
  pause: ({ db }, queue) =>
    void db.run("INSERT INTO afterword_paused (queue) VALUES (?) ON CONFLICT DO NOTHING", queue),
  resume: ({ db }, queue) => void db.run("DELETE FROM afterword_paused WHERE queue = ?", queue),
  putSchedule,
  removeSchedule,
  schedules,
  pauseSchedule: (core, { name, isPaused }) => pauseSchedule(core, name, isPaused),
  tick: (core, { schedule, ticks }) => tick(core, schedule, ticks),
};

/** Those that change nothing. */
export const readVerbs: ReadonlySet<Verb> = new Set(["holds", "get", "list", "counts", "workers", "schedules"]);

/** One thing to be done. */
export interface Operation {
  readonly verb: Verb;
  readonly request: unknown;
}
