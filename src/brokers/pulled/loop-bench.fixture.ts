import { waitUntil } from "../../../test/support/wait-until.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import type { ConsumeOptions } from "../../tasks/broker.ts";
import type { Delivery, Execute } from "../../tasks/delivery.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { Job, NewJob } from "../../tasks/job.ts";
import { PullLoop } from "./pull-loop.ts";
import { RiggedStore } from "./rigged-store.fixture.ts";

export const succeeded: Ending = { status: "succeeded", result: "1" };

/** A worker on a rigged store, and everything that it was told. */
export class LoopBench {
  readonly rigged: RiggedStore = new RiggedStore();
  readonly errors: unknown[] = [];
  readonly deliveries: Delivery[] = [];
  readonly loops: PullLoop[] = [];
  readonly #ends: ((ending: Ending) => void)[] = [];

  consume(execute: Execute = () => succeeded, options: Partial<ConsumeOptions> = {}): PullLoop {
    const slots = options.slots ?? 2;
    const worker = { id: `worker-${this.loops.length}`, host: "here", pid: 1, queues: ["default"], slots };
    const loop = new PullLoop(
      "rigged",
      this.rigged.store,
      {
        worker,
        slots,
        queues: ["default"],
        leaseMs: 30_000,
        maxDeliveries: 3,
        onError: (error) => this.errors.push(error),
        ...options,
      },
      (delivery) => {
        this.deliveries.push(delivery);
        return execute(delivery);
      },
    );
    this.loops.push(loop);
    return loop;
  }

  /** Runs until it is let go. */
  readonly hold: Execute = () => new Promise((resolve) => this.#ends.push(resolve));

  letGo(ending: Ending = succeeded): void {
    for (const end of this.#ends.splice(0)) end(ending);
  }

  async enqueue(...jobs: readonly NewJob[]): Promise<void> {
    await this.rigged.memory.enqueue({ jobs });
  }

  async get(job: NewJob): Promise<Job> {
    return (await this.rigged.memory.get({ ids: [job.id] }))[0]!;
  }

  async status(job: NewJob): Promise<string> {
    return (await this.get(job)).status;
  }

  async untilStatus(job: NewJob, status: string): Promise<void> {
    await waitUntil(async () => (await this.status(job)) === status, { what: `the job is ${status}` });
  }

  async untilRunning(count: number): Promise<void> {
    await waitUntil(() => this.deliveries.length >= count, { what: `${count} were handed over` });
  }

  codes(): (string | undefined)[] {
    return this.errors.map((error) => (error instanceof AfterwordError ? error.code : undefined));
  }

  /** Ends everything, and checks that no listener is left. */
  async close(): Promise<void> {
    this.rigged.restore();
    for (const loop of this.loops) await loop.close();
    if (this.rigged.subscribers > 0) throw new Error(`${this.rigged.subscribers} listeners are left.`);
  }
}
