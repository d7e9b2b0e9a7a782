import type { WorkerInfo, WorkerRecord } from "../../tasks/broker.ts";

interface Entry {
  readonly worker: WorkerInfo;
  readonly startedAt: number;
  readonly seenAt: number;
  readonly leaseMs: number;
}

/** The workers that have given a sign of life within their lease. */
export class WorkerList {
  readonly #byId = new Map<string, Entry>();

  seen(worker: WorkerInfo, leaseMs: number, now: number): void {
    const startedAt = this.#byId.get(worker.id)?.startedAt ?? now;
    const { id, host, pid, queues, slots } = worker;
    const copy = { id, host, pid, queues: Object.freeze([...queues]), slots };
    this.#byId.set(id, { worker: copy, startedAt, seenAt: now, leaseMs });
  }

  leave(worker: string): void {
    this.#byId.delete(worker);
  }

  all(runningOf: (worker: string) => number, now: number): WorkerRecord[] {
    for (const [id, { seenAt, leaseMs }] of this.#byId) if (seenAt + leaseMs <= now) this.#byId.delete(id);
    return Array.from(this.#byId.values(), ({ worker, startedAt, seenAt }) => ({
      ...worker,
      startedAt,
      seenAt,
      running: runningOf(worker.id),
    }));
  }
}
