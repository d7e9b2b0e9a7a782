import { HTTPException } from "../internal/http-exception.ts";
import type { Broker } from "../tasks/broker.ts";
import type { Schedule } from "../tasks/schedule.ts";
import type { JobViews } from "./job-view.ts";
import type { LocalTasks } from "./local-tasks.ts";
import type { DashboardConfig } from "./options.ts";
import type { Sampler } from "./sampler.ts";

/** What the routes of a dashboard work with. It is there while the app is open. */
export interface Dashboard {
  readonly config: DashboardConfig;
  readonly broker: Broker;
  readonly sampler: Sampler;
  readonly views: JobViews;
  /** Of the app that mounts it. */
  readonly localTasks: LocalTasks | undefined;
  /** Those that this process knows with their arguments. */
  readonly schedules: readonly Schedule[];
  readonly openedAt: number;
  /** Aborts when it is about to close. */
  readonly closing: AbortSignal;
}

/** @throws {HTTPException} 404 where the broker cannot do what a route is for */
export function assertAble(isAble: boolean, what: string, { broker }: Dashboard): void {
  if (!isAble) throw new HTTPException(404, `The broker ${broker.name} ${what}.`);
}
