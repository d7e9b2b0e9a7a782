import type { Hold } from "../embedded/store.ts";
import type { NewJob } from "../../tasks/job.ts";
import { cancel, purge, remove, retry } from "./change.ts";
import { claim, type ClaimRequest } from "./claim.ts";
import type { Core } from "./core.ts";
import { enqueue } from "./enqueue.ts";
import { extend, finish, report } from "./finish.ts";
import { counts, get, list, workers } from "./inspect.ts";
import { pauseSchedule, putSchedule, removeSchedule, schedules, tick } from "./schedules.ts";

/** What can be asked of the file: each within a transaction, with plain data in and out. */
export const verbs = {
  enqueue: (core: Core, jobs: readonly NewJob[]) => enqueue(core, jobs),
  claim: (core: Core, request: ClaimRequest) => claim(core, request),
  finish: (core: Core, endings: Parameters<typeof finish>[1]) => finish(core, endings),
  extend: (core: Core, request: Parameters<typeof extend>[1]) => extend(core, request),
  /** What `extend` does for the leases alone. */
  renew: ({ db, now }: Core, { holds, leaseMs }: { readonly holds: readonly Hold[]; readonly leaseMs: number }) => {
    for (const { id, epoch } of holds)
      db.run("UPDATE jobs SET lease_until = ? WHERE id = ? AND epoch = ? AND state = 'running'", now + leaseMs, id, epoch);
  },
  report: (core: Core, reports: Parameters<typeof report>[1]) => report(core, reports),
  leave: ({ db }: Core, worker: string) => void db.run("DELETE FROM workers WHERE id = ?", worker),
  get: (core: Core, ids: readonly string[]) => get(core, ids),
  list: (core: Core, request: Parameters<typeof list>[1]) => list(core, request),
  counts: (core: Core, _: undefined) => counts(core),
  workers: (core: Core, _: undefined) => workers(core),
  cancel: (core: Core, { ids, reason }: { readonly ids: readonly string[]; readonly reason: string }) =>
    cancel(core, ids, reason),
  retry: (core: Core, ids: readonly string[]) => retry(core, ids),
  remove: (core: Core, ids: readonly string[]) => remove(core, ids),
  purge: (core: Core, request: Parameters<typeof purge>[1]) => purge(core, request),
  pause: ({ db }: Core, queue: string) => void db.run("INSERT INTO paused (queue) VALUES (?) ON CONFLICT DO NOTHING", queue),
  resume: ({ db }: Core, queue: string) => void db.run("DELETE FROM paused WHERE queue = ?", queue),
  putSchedule: (core: Core, request: Parameters<typeof putSchedule>[1]) => putSchedule(core, request),
  removeSchedule: (core: Core, name: string) => removeSchedule(core, name),
  schedules: (core: Core, _: undefined) => schedules(core),
  pauseSchedule: (core: Core, { name, isPaused }: { readonly name: string; readonly isPaused: boolean }) =>
    pauseSchedule(core, name, isPaused),
  tick: (core: Core, { schedule, ticks }: { readonly schedule: string; readonly ticks: Parameters<typeof tick>[2] }) =>
    tick(core, schedule, ticks),
} as const;

export type Verb = keyof typeof verbs;
export type VerbRequest<V extends Verb> = Parameters<(typeof verbs)[V]>[1];
export type VerbResult<V extends Verb> = ReturnType<(typeof verbs)[V]>;

/** Those that change nothing. */
export const readVerbs: ReadonlySet<Verb> = new Set(["get", "list", "counts", "workers", "schedules"]);

/** One thing to be done. */
export interface Operation {
  readonly verb: Verb;
  readonly request: unknown;
}
