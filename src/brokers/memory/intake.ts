import type { StoredJob } from "../../tasks/broker.ts";
import type { JobDependencies, NewJob } from "../../tasks/job.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { Dependencies } from "./dependencies.ts";
import type { JobIndex } from "./job-index.ts";
import { JobRecord } from "./job-record.ts";
import type { JobStates } from "./job-states.ts";
import type { TaskLimits } from "./task-limits.ts";

/** Takes new jobs in: all of a batch, or none. */
export class Intake {
  readonly #index: JobIndex;
  readonly #states: JobStates;
  readonly #limits: TaskLimits;
  readonly #dependencies: Dependencies;
  readonly #maxQueued: number;
  #place = 0;

  constructor(parts: {
    readonly index: JobIndex;
    readonly states: JobStates;
    readonly limits: TaskLimits;
    readonly dependencies: Dependencies;
    readonly maxQueued: number;
  }) {
    this.#index = parts.index;
    this.#states = parts.states;
    this.#limits = parts.limits;
    this.#dependencies = parts.dependencies;
    this.#maxQueued = parts.maxQueued;
  }

  /** @throws {StoreError} with code `queue_full` */
  add(jobs: readonly NewJob[], now: number): readonly StoredJob[] {
    this.#assertRoom(jobs);
    const waiting: JobRecord[] = [];
    /** The ids of others that stand for jobs of this batch. */
    const standIns = new Map<string, string>();
    const stored: StoredJob[] = [];
    for (const job of jobs) {
      if (this.#index.get(job.id) !== undefined) {
        stored.push({ id: job.id, isDuplicate: false });
        continue;
      }
      const holder = this.#index.holderOf(job.task, job.uniqueKey);
      if (holder !== undefined) {
        standIns.set(job.id, holder.id);
        stored.push({ id: holder.id, isDuplicate: true });
        continue;
      }
      const after = job.after && standIns.size > 0 ? withStandIns(job.after, standIns) : job.after;
      const record = new JobRecord(job, after, this.#index.queue(job.queue), this.#place++, now);
      this.#limits.set(job.task, job.limits);
      this.#states.add(record);
      if (after === undefined) this.#states.ready(record, now + job.delayMs, now);
      else waiting.push(record);
      stored.push({ id: job.id, isDuplicate: false });
    }
    // Once all are there: a job may come before one that it waits for.
    for (const record of waiting) if (record.isParked) this.#dependencies.await(record, now);
    return stored;
  }

  #assertRoom(jobs: readonly NewJob[]): void {
    const { waiting } = this.#states;
    if (waiting + jobs.length <= this.#maxQueued) return;
    const added = this.#countNew(jobs);
    if (added === 0 || waiting + added <= this.#maxQueued) return;
    throw new StoreError(
      "queue_full",
      `Nothing was stored: ${waiting} jobs wait, and ${added} more would be over maxQueued, which is ${this.#maxQueued}. Try again later, or raise it.`,
    );
  }

  #countNew(jobs: readonly NewJob[]): number {
    const ids = new Set<string>();
    const keys = new Set<string>();
    for (const { id, task, uniqueKey } of jobs) {
      if (this.#index.get(id) !== undefined || ids.has(id)) continue;
      const key = uniqueKey === undefined ? undefined : JSON.stringify([task, uniqueKey]);
      if (this.#index.holderOf(task, uniqueKey) !== undefined || (key !== undefined && keys.has(key))) continue;
      ids.add(id);
      if (key !== undefined) keys.add(key);
    }
    return ids.size;
  }
}

/** Whoever waits for a job that was not stored waits for the one that stands for it. */
function withStandIns({ ids, pass }: JobDependencies, standIns: ReadonlyMap<string, string>): JobDependencies {
  return { ids: ids.map((id) => standIns.get(id) ?? id), pass };
}
