import type { JobDependencies, NewJob, TaskLimits } from "../../tasks/job.ts";
import { toSettings } from "../pulled/job-settings.ts";

/** What jobs that were made alike have in common. */
export interface JobKind {
  readonly task: string;
  readonly queue: string;
  readonly priority: number;
  readonly delayMs: number;
  readonly expiresMs: number | undefined;
  readonly limits: TaskLimits | undefined;
  readonly settings: string;
}

/** A job that is to be stored. */
export interface JobInsert {
  readonly id: string;
  readonly args: string;
  readonly meta: string;
  readonly uniqueKey: string | undefined;
  readonly after: JobDependencies | undefined;
  readonly kind: JobKind;
}

let lastJob: NewJob | undefined;
let lastKind: JobKind | undefined;

/** Jobs that are stored together are mostly alike: what they have in common is written once. */
export function toInsert(job: NewJob): JobInsert {
  const kind = lastJob !== undefined && isAlike(job, lastJob) ? lastKind! : toKind(job);
  lastJob = job;
  lastKind = kind;
  return { id: job.id, args: job.args, meta: metaText(job.meta), uniqueKey: job.uniqueKey, after: job.after, kind };
}

function toKind(job: NewJob): JobKind {
  const { task, queue, priority, delayMs, expiresMs, limits } = job;
  return { task, queue, priority, delayMs, expiresMs, limits, settings: JSON.stringify(toSettings(job)) };
}

function isAlike(a: NewJob, b: NewJob): boolean {
  return (
    a.task === b.task &&
    a.backoff === b.backoff &&
    a.limits === b.limits &&
    a.queue === b.queue &&
    a.priority === b.priority &&
    a.delayMs === b.delayMs &&
    a.expiresMs === b.expiresMs &&
    a.attempts === b.attempts &&
    a.timeoutMs === b.timeoutMs &&
    a.keepResultMs === b.keepResultMs &&
    a.keepFailedMs === b.keepFailedMs &&
    a.after === undefined &&
    b.after === undefined
  );
}

function metaText(meta: NewJob["meta"]): string {
  for (const _ in meta) return JSON.stringify(meta);
  return "{}";
}
