import type { ConsumeOptions } from "../../tasks/broker.ts";
import type { DeliveredJob } from "../../tasks/job.ts";
import type { Store } from "./store.ts";
import type { Trouble } from "./trouble.ts";

/** So long a store is not asked again when it gives no hint: hints can be lost. */
const pollMs = 1_000;

/** Where claimed jobs run. */
export interface Slots {
  /** How many jobs may be claimed. */
  readonly free: number;
  fill(jobs: readonly DeliveredJob[]): void;
  /** A claim has ended, and no other was begun. */
  settled(): void;
}

/** Decides when to claim: one claim at a time, for the slots that are free. */
export class Claimer {
  readonly #store: Store;
  readonly #options: ConsumeOptions;
  readonly #trouble: Trouble;
  readonly #slots: Slots;
  #isClaiming = false;
  /** Whether something has happened since the claim that is under way began. */
  #isWanted = false;
  #isStopped = false;
  #retryAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, options: ConsumeOptions, trouble: Trouble, slots: Slots) {
    this.#store = store;
    this.#options = options;
    this.#trouble = trouble;
    this.#slots = slots;
  }

  get isClaiming(): boolean {
    return this.#isClaiming;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** There may be something to claim, or room for it. */
  claim(): void {
    if (this.#isClaiming) {
      this.#isWanted = true;
      return;
    }
    const count = this.#slots.free;
    // While the store is in trouble, the timer alone decides.
    if (this.#isStopped || count <= 0 || (this.#retryAtMs > 0 && performance.now() < this.#retryAtMs)) return;
    this.#isClaiming = true;
    this.#isWanted = false;
    this.#retryAtMs = 0;
    clearTimeout(this.#timer);
    const { worker, queues, leaseMs, maxDeliveries } = this.#options;
    this.#store.claim({ worker: worker.id, queues, count, leaseMs, maxDeliveries }).then(
      ({ jobs, nextMs }) => {
        this.#isClaiming = false;
        this.#trouble.over("claim");
        if (jobs.length > 0) this.#slots.fill(jobs);
        if (this.#isWanted) this.claim();
        if (this.#isClaiming) return;
        if (this.#slots.free > 0) this.#claimIn(Math.min(nextMs ?? pollMs, pollMs * (0.75 + Math.random() / 2)));
        this.#slots.settled();
      },
      (error: unknown) => {
        this.#isClaiming = false;
        const waitMs = this.#trouble.met("claim", error);
        this.#retryAtMs = performance.now() + waitMs;
        this.#claimIn(waitMs + 1);
        this.#slots.settled();
      },
    );
  }

  #claimIn(ms: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    // Waiting for work keeps no process alive: a server does, or the worker itself.
    this.#timer = setTimeout(() => this.claim(), Math.max(1, Math.ceil(ms)));
    this.#timer.unref();
  }
}
