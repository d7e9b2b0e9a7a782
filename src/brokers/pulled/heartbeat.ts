import { AfterwordError } from "../../internal/afterword-error.ts";
import type { ConsumeOptions } from "../../tasks/broker.ts";
import type { HeldJob } from "./held-job.ts";
import type { HoldTable } from "./hold-table.ts";
import type { Extension, Store } from "./store.ts";
import type { Trouble } from "./trouble.ts";

/** Changes come in bursts: signs of life that they ask for are at least so far apart. */
const pauseMs = 50;
/** Where it is not known what has changed, it may be no more than the sign of life of another worker. */
const vaguePauseMs = 100;

/** Renews the leases of a worker's jobs, and learns which of them somebody wants canceled or has taken over. */
export class Heartbeat {
  readonly #store: Store;
  readonly #options: ConsumeOptions;
  readonly #held: HoldTable;
  readonly #trouble: Trouble;
  readonly #onLost: (held: HeldJob) => void;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Infinity;
  #lastMs = -Infinity;
  #isBeating = false;
  #isStopped = false;

  /** @param onLost - called for each job that is somebody else's now */
  constructor(
    store: Store,
    options: ConsumeOptions,
    held: HoldTable,
    trouble: Trouble,
    onLost: (held: HeldJob) => void,
  ) {
    this.#store = store;
    this.#options = options;
    this.#held = held;
    this.#trouble = trouble;
    this.#onLost = onLost;
  }

  /** The first sign of life makes the worker known. */
  start(): void {
    void this.#beat();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Somebody may have asked for something. */
  soon(isVague: boolean): void {
    this.#beatAt(Math.max(performance.now(), this.#lastMs + (isVague ? vaguePauseMs : pauseMs)));
  }

  #beatAt(dueMs: number): void {
    if (this.#isStopped || dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    // When one is under way, the next is planned at its end.
    if (this.#isBeating) return;
    this.#timer = setTimeout(() => void this.#beat(), Math.max(1, dueMs - performance.now()));
    this.#timer.unref();
  }

  async #beat(): Promise<void> {
    this.#isBeating = true;
    this.#dueMs = Infinity;
    this.#lastMs = performance.now();
    const { worker, leaseMs } = this.#options;
    const holds = this.#held.running();
    let waitMs = leaseMs / 3;
    try {
      const request = { worker, holds: holds.map(({ id, epoch }) => ({ id, epoch })), leaseMs };
      this.#heed(await this.#store.extend(request), holds);
      this.#trouble.over("extend");
    } catch (error) {
      waitMs = Math.min(waitMs, this.#trouble.met("extend", error));
    }
    this.#isBeating = false;
    // What was asked for in the meantime comes first.
    const dueMs = Math.min(this.#dueMs, this.#lastMs + waitMs);
    this.#dueMs = Infinity;
    this.#beatAt(dueMs);
  }

  #heed({ lost, canceled }: Extension, holds: readonly HeldJob[]): void {
    const leaseEndMs = performance.now() + this.#options.leaseMs;
    for (const held of holds) held.leaseEndMs = leaseEndMs;
    if (lost.length === 0 && canceled.length === 0) return;
    const asked = new Map(holds.map((held) => [held.id, held]));
    // Whether what has ended in the meantime was lost, the answer to its ending tells.
    for (const id of lost) {
      const held = asked.get(id);
      if (held !== undefined && held.ending === undefined && this.#held.has(held)) this.#onLost(held);
    }
    for (const { id, reason } of canceled) {
      const held = asked.get(id);
      if (held?.ending === undefined) held?.abort(new AfterwordError("canceled", reason));
    }
  }
}
