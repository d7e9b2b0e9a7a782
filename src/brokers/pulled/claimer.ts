import type { ConsumeOptions } from "../../tasks/broker.ts";
import type { DeliveredJob } from "../../tasks/job.ts";
import type { Claim, Hold, Store } from "./store.ts";
import type { Trouble } from "./trouble.ts";

/** So long a store is not asked again when it gives no hint: hints can be lost. */
const pollMs = 1_000;

/** Where claimed jobs run. */
export interface Slots {
  /** How many jobs may be claimed. */
  readonly free: number;
  fill(jobs: readonly DeliveredJob[]): void;
  /** The deliveries that have no accepted ending. */
  known(): readonly Hold[];
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
  /** Whether the answer to the last claim has not come: it may have taken jobs all the same. */
  #hasMissedAnswer = false;
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
    this.#ask(count).then(
      ({ jobs, nextMs, troubles = [] }) => {
        this.#isClaiming = false;
        this.#hasMissedAnswer = false;
        this.#trouble.over("claim");
        for (const trouble of troubles) this.#trouble.tell(trouble);
        if (jobs.length > 0) this.#slots.fill(jobs);
        if (this.#isWanted) this.claim();
        if (this.#isClaiming) return;
        if (this.#slots.free > 0) this.#claimIn(Math.min(nextMs ?? pollMs, pollMs * (0.75 + Math.random() / 2)));
        this.#slots.settled();
      },
      (error: unknown) => {
        this.#isClaiming = false;
        this.#hasMissedAnswer = true;
        const waitMs = this.#trouble.met("claim", error);
        this.#retryAtMs = performance.now() + waitMs;
        this.#claimIn(waitMs + 1);
        this.#slots.settled();
      },
    );
  }

  #ask(count: number): Promise<Claim> {
    const { worker, queues, leaseMs, maxDeliveries } = this.#options;
    const claim = (): Promise<Claim> => this.#store.claim({ worker: worker.id, queues, count, leaseMs, maxDeliveries });
    return this.#hasMissedAnswer ? this.#giveBackUnknown().then(claim) : claim();
  }

  /** What the last claim gave, if anything, would wait for the end of its lease. */
  async #giveBackUnknown(): Promise<void> {
    const given = await this.#store.holds({ worker: this.#options.worker.id });
    const known = new Map(this.#slots.known().map(({ id, epoch }) => [id, epoch]));
    const unknown = given.filter(({ id, epoch }) => known.get(id) !== epoch);
    if (unknown.length === 0) return;
    await this.#store.finish({ endings: unknown.map((hold) => ({ ...hold, ending: { status: "released" } })) });
  }

  #claimIn(ms: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    // Waiting for work keeps no process alive: a server does, or the worker itself.
    this.#timer = setTimeout(() => this.claim(), Math.max(1, Math.ceil(ms)));
    this.#timer.unref();
  }
}
