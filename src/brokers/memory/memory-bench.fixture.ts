import type { DeliveredJob, Job, NewJob } from "../../tasks/job.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { Claim } from "../pulled/store.ts";
import { MemoryStore } from "./memory-store.ts";

/** A store in memory whose time a test tells, and workers for it. */
export class MemoryBench {
  now = 1_000_000;
  readonly store: MemoryStore;

  constructor(options: { readonly maxQueued?: number } = {}) {
    this.store = new MemoryStore({ ...options, now: () => this.now });
  }

  async enqueue(...jobs: readonly NewJob[]): Promise<void> {
    await this.store.enqueue({ jobs });
  }

  claim(count: number, { worker = "w", queues = ["default"], maxDeliveries = 3 } = {}): Promise<Claim> {
    return this.store.claim({ worker, queues, count, leaseMs: 1_000, maxDeliveries });
  }

  /** The ids of what is claimed, in order. */
  async ids(count: number, options?: Parameters<MemoryBench["claim"]>[1]): Promise<readonly string[]> {
    return (await this.claim(count, options)).jobs.map(({ id }) => id);
  }

  async finish({ id, epoch }: DeliveredJob, ending: Ending = { status: "succeeded", result: "1" }): Promise<boolean> {
    return (await this.store.finish({ endings: [{ id, epoch, ending }] }))[0]!;
  }

  /** Claims one and ends it. */
  async run(ending?: Ending): Promise<void> {
    const { jobs } = await this.claim(1);
    await this.finish(jobs[0]!, ending);
  }

  async get({ id }: { readonly id: string }): Promise<Job> {
    const [job] = await this.store.get({ ids: [id] });
    if (job === undefined) throw new Error(`Job ${id} is not known.`);
    return job;
  }

  async isKnown({ id }: NewJob): Promise<boolean> {
    return (await this.store.get({ ids: [id] }))[0] !== undefined;
  }
}
