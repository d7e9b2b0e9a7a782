import type { JobRecord } from "./job-record.ts";

/** The jobs that run, and when their leases end. */
export class RunningJobs {
  readonly #records: JobRecord[] = [];
  /** No lease ends earlier. */
  #earliestEndAt = Infinity;

  /** No lease ends before that. */
  get nextLeaseEndAt(): number {
    return this.#records.length === 0 ? Infinity : this.#earliestEndAt;
  }

  [Symbol.iterator](): Iterator<JobRecord> {
    return this.#records.values();
  }

  add(record: JobRecord, leaseEndAt: number): void {
    record.runningIndex = this.#records.length;
    this.#records.push(record);
    this.extend(record, leaseEndAt);
    record.limit?.started(record.startedAt!);
  }

  extend(record: JobRecord, leaseEndAt: number): void {
    record.leaseEndAt = leaseEndAt;
    if (leaseEndAt < this.#earliestEndAt) this.#earliestEndAt = leaseEndAt;
  }

  delete(record: JobRecord): void {
    const last = this.#records.pop()!;
    if (last !== record) {
      this.#records[record.runningIndex] = last;
      last.runningIndex = record.runningIndex;
    }
    record.runningIndex = -1;
    record.limit?.ended();
  }

  /** Those whose workers have given no sign of life in time. */
  overdue(now: number): readonly JobRecord[] {
    if (this.nextLeaseEndAt > now) return [];
    const overdue = this.#records.filter(({ leaseEndAt }) => leaseEndAt <= now);
    this.#earliestEndAt = Infinity;
    for (const { leaseEndAt } of this.#records)
      if (leaseEndAt > now && leaseEndAt < this.#earliestEndAt) this.#earliestEndAt = leaseEndAt;
    return overdue;
  }

  of(worker: string): readonly JobRecord[] {
    return this.#records.filter((record) => record.worker === worker);
  }
}
