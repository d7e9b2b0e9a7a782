import type { Claim, Extension, Hold, Store } from "../pulled/store.ts";
import { workerLost } from "../pulled/part-results.ts";
import type { Dependencies } from "./dependencies.ts";
import type { JobIndex } from "./job-index.ts";
import type { JobRecord } from "./job-record.ts";
import type { JobStates } from "./job-states.ts";
import { LaneChoice } from "./lane-choice.ts";
import type { RunningJobs } from "./running-jobs.ts";
import type { TaskLimits } from "./task-limits.ts";

type ClaimRequest = Parameters<Store["claim"]>[0];

/** Gives jobs to workers, and takes them back from those that are dead. */
export class Handout {
  readonly #index: JobIndex;
  readonly #states: JobStates;
  readonly #running: RunningJobs;
  readonly #limits: TaskLimits;
  readonly #dependencies: Dependencies;

  constructor(parts: {
    readonly index: JobIndex;
    readonly states: JobStates;
    readonly running: RunningJobs;
    readonly limits: TaskLimits;
    readonly dependencies: Dependencies;
  }) {
    this.#index = parts.index;
    this.#states = parts.states;
    this.#running = parts.running;
    this.#limits = parts.limits;
    this.#dependencies = parts.dependencies;
  }

  claim(request: ClaimRequest, now: number): Claim {
    this.#takeBack(request.maxDeliveries, now);
    const choice = new LaneChoice(this.#index.knownQueues(request.queues), now);
    const jobs = [];
    while (jobs.length < request.count) {
      const record = choice.take();
      if (record === undefined) break;
      if (!this.#mayRun(record, choice, now)) continue;
      this.#states.run(record, request.worker, now, request.leaseMs);
      jobs.push(record.toDelivered());
    }
    const nextAt = Math.min(this.#states.waits.firstAt, this.#running.nextLeaseEndAt, choice.nextRoomAt);
    return { jobs, nextMs: nextAt === Infinity ? undefined : Math.max(0, nextAt - now) };
  }

  /** The job of a hold that stands. */
  heldBy({ id, epoch }: Hold): JobRecord | undefined {
    const record = this.#index.get(id);
    return record?.status === "running" && record.epoch === epoch ? record : undefined;
  }

  extend(holds: readonly Hold[], leaseMs: number, now: number): Extension {
    const lost: string[] = [];
    const canceled: { readonly id: string; readonly reason: string }[] = [];
    for (const hold of holds) {
      const record = this.heldBy(hold);
      if (record === undefined) lost.push(hold.id);
      else {
        this.#running.extend(record, now + leaseMs);
        if (record.reason !== undefined) canceled.push({ id: record.id, reason: record.reason });
      }
    }
    return { lost, canceled };
  }

  #takeBack(maxDeliveries: number, now: number): void {
    for (const record of this.#running.overdue(now)) {
      const { deliveries, reason } = record;
      if (reason !== undefined) this.#dependencies.end(record, { status: "canceled" }, now);
      else if (deliveries < maxDeliveries) this.#states.queue(record);
      else {
        const error = workerLost(deliveries);
        record.addFailure(error, now);
        this.#dependencies.end(record, { status: "failed", error }, now);
      }
    }
  }

  /** Whether nothing speaks against a job that was taken from its lane. Otherwise it is where it belongs afterwards. */
  #mayRun(record: JobRecord, choice: LaneChoice, now: number): boolean {
    if (record.expiryAt <= now) {
      this.#dependencies.end(record, expired, now);
      return false;
    }
    const limit = this.#limits.of(record.task);
    if (limit === record.limit) return true;
    // Its task has had limits only since it was queued.
    record.limit = limit;
    const roomAt = limit!.roomAt(now);
    if (roomAt <= now) return true;
    this.#states.queue(record);
    choice.nextRoomAt = Math.min(choice.nextRoomAt, roomAt);
    return false;
  }
}

/** How a job ends that was not started in time. */
export const expired = { status: "expired", reason: "It was not started in time." } as const;
