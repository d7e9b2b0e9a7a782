import type { TaskLimits as Limits } from "../../tasks/job.ts";
import type { RunningJobs } from "./running-jobs.ts";
import { TaskLimit } from "./task-limit.ts";

/** The limits of tasks. Those of the job that was stored last are in force. */
export class TaskLimits {
  readonly #byTask = new Map<string, TaskLimit>();
  readonly #running: RunningJobs;

  constructor(running: RunningJobs) {
    this.#running = running;
  }

  of(task: string): TaskLimit | undefined {
    return this.#byTask.size === 0 ? undefined : this.#byTask.get(task);
  }

  /** @param limits - of a job that is stored now */
  set(task: string, limits: Limits | undefined): void {
    const known = this.of(task);
    if (known !== undefined) known.set(limits);
    else if (limits !== undefined) this.#add(task, limits);
  }

  #add(task: string, limits: Limits): void {
    const limit = new TaskLimit();
    limit.set(limits);
    this.#byTask.set(task, limit);
    for (const record of this.#running)
      if (record.task === task) {
        record.limit = limit;
        limit.started(record.startedAt!);
      }
  }
}
