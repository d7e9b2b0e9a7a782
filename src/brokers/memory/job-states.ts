import type { FinalStatus, JobStatus } from "../../tasks/job.ts";
import type { Changes } from "../pulled/changes.ts";
import { Deadlines } from "./deadlines.ts";
import type { JobIndex } from "./job-index.ts";
import type { JobRecord } from "./job-record.ts";
import type { RunningJobs } from "./running-jobs.ts";
import type { TaskLimits } from "./task-limits.ts";

/** Leads jobs from one state to the next, so that whatever keeps an eye on a state is right. */
export class JobStates {
  /** Waiting jobs that become due or expire. */
  readonly waits: Deadlines<JobRecord> = new Deadlines();
  /** Ended jobs that will be forgotten. */
  readonly kept: Deadlines<JobRecord> = new Deadlines();
  readonly #index: JobIndex;
  readonly #running: RunningJobs;
  readonly #limits: TaskLimits;
  readonly #changes: Changes;
  #waiting = 0;

  constructor(index: JobIndex, running: RunningJobs, limits: TaskLimits, changes: Changes) {
    this.#index = index;
    this.#running = running;
    this.#limits = limits;
    this.#changes = changes;
  }

  /** How many jobs wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A new job, which waits for others until it is told otherwise. */
  add(record: JobRecord): void {
    this.#index.add(record);
    this.#index.takeKey(record);
    this.#enter(record, "scheduled");
    this.#wait(record, record.expiryAt);
  }

  /** It waits for others. */
  park(record: JobRecord): void {
    this.#leave(record);
    record.runAt = undefined;
    this.#enter(record, "scheduled");
    this.#wait(record, record.expiryAt);
  }

  /** It may run at that time. */
  ready(record: JobRecord, runAt: number, now: number): void {
    if (runAt <= now) return this.queue(record, runAt);
    this.#leave(record);
    record.runAt = runAt;
    this.#enter(record, "scheduled");
    this.#wait(record, Math.min(runAt, record.expiryAt));
  }

  /** It may run now, at its place in the order of storing. */
  queue(record: JobRecord, runAt: number | undefined = record.runAt): void {
    this.#leave(record);
    record.runAt = runAt;
    record.limit = this.#limits.of(record.task);
    this.#enter(record, "queued");
    record.queue.push(record);
    this.#wait(record, record.expiryAt);
  }

  run(record: JobRecord, worker: string, now: number, leaseMs: number): void {
    this.#leave(record);
    record.worker = worker;
    record.startedAt = now;
    record.epoch++;
    if (record.deliveries++ === 0) record.attempt++;
    this.#enter(record, "running");
    this.#running.add(record, now + leaseMs);
  }

  end(record: JobRecord, status: FinalStatus, now: number): void {
    this.#leave(record);
    record.endedAt = now;
    this.#index.freeKey(record);
    this.#enter(record, status);
    this.kept.add(record, record.forgetAt);
  }

  forget(record: JobRecord): void {
    if (!record.isFinal) this.#index.freeKey(record);
    this.#leave(record);
    this.#index.delete(record);
    this.#changes.add(record.id);
  }

  #wait(record: JobRecord, until: number): void {
    if (until !== Infinity) this.waits.add(record, until);
  }

  #enter(record: JobRecord, status: JobStatus): void {
    record.status = status;
    record.queue.count(status, 1);
    if (status === "scheduled" || status === "queued") this.#waiting++;
    this.#changes.add(record.id);
  }

  #leave(record: JobRecord): void {
    const { status } = record;
    record.queue.count(status, -1);
    if (status === "running") this.#running.delete(record);
    else if (record.isFinal) this.kept.delete(record);
    else {
      this.#waiting--;
      this.waits.delete(record);
      record.line?.delete(record);
    }
  }
}
