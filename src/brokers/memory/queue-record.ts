import type { QueueCounts } from "../../tasks/broker.ts";
import type { JobStatus } from "../../tasks/job.ts";
import type { JobRecord } from "./job-record.ts";
import { Lane } from "./lane.ts";
import type { TaskLimit } from "./task-limit.ts";

/** A queue in memory: how many jobs it has in each state, and those that may run. */
export class QueueRecord {
  readonly name: string;
  isPaused = false;
  readonly lanes: Lane[] = [new Lane(undefined)];
  /** How many jobs it has in all. */
  size = 0;
  readonly #byLimit = new Map<TaskLimit, Lane>();
  readonly #counts: Record<JobStatus, number> = {
    scheduled: 0,
    queued: 0,
    running: 0,
    succeeded: 0,
    failed: 0,
    canceled: 0,
    expired: 0,
  };

  constructor(name: string) {
    this.name = name;
  }

  /** Puts a job where it waits for its turn. */
  push(record: JobRecord): void {
    this.#laneOf(record.limit).push(record);
  }

  count(status: JobStatus, by: 1 | -1): void {
    this.#counts[status] += by;
  }

  counts(): QueueCounts {
    const oldestAt = Math.min(...this.lanes.map((lane) => lane.oldestAt()));
    return {
      queue: this.name,
      isPaused: this.isPaused,
      oldestQueuedAt: oldestAt === Infinity ? undefined : oldestAt,
      ...this.#counts,
    };
  }

  #laneOf(limit: TaskLimit | undefined): Lane {
    if (limit === undefined) return this.lanes[0]!;
    let lane = this.#byLimit.get(limit);
    if (lane !== undefined) return lane;
    lane = new Lane(limit);
    this.#byLimit.set(limit, lane);
    this.lanes.push(lane);
    return lane;
  }
}
