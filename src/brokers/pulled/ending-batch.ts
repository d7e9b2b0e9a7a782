import type { HeldJob } from "./held-job.ts";
import type { HoldTable } from "./hold-table.ts";
import { endingLost } from "./lease-lost.ts";
import type { ReportBuffer } from "./report-buffer.ts";
import type { Store } from "./store.ts";
import type { Trouble } from "./trouble.ts";

/**
 * The endings that are to be stored: one batch is under way, the next collects. What cannot be stored is tried again as
 * long as the lease of its job may stand.
 */
export class EndingBatch {
  readonly #store: Store;
  readonly #held: HoldTable;
  readonly #reports: ReportBuffer;
  readonly #trouble: Trouble;
  readonly #onSettled: () => void;
  #waiting: HeldJob[] = [];
  #stored: readonly HeldJob[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Smaller after a failure, so that an ending that the store refuses to take does not keep others from it. */
  #maxSize = Infinity;

  constructor(store: Store, held: HoldTable, reports: ReportBuffer, trouble: Trouble, onSettled: () => void) {
    this.#store = store;
    this.#held = held;
    this.#reports = reports;
    this.#trouble = trouble;
    this.#onSettled = onSettled;
  }

  /** How many are not stored yet. */
  get size(): number {
    return this.#waiting.length + this.#stored.length;
  }

  add(held: HeldJob): void {
    this.#waiting.push(held);
  }

  /** Stores what has come so far, when nothing is under way. */
  store(): void {
    if (this.#stored.length > 0 || this.#waiting.length === 0 || this.#timer !== undefined) return;
    const batch = this.#take();
    this.#stored = batch;
    this.#reports.store();
    this.#store.finish({ endings: batch.map(toEnding) }).then(
      (accepted) => {
        this.#stored = [];
        this.#maxSize = this.#maxSize * 2;
        this.#trouble.over("finish");
        for (let index = 0; index < batch.length; index++) if (accepted[index] !== true) this.#refused(batch[index]!);
        this.#held.retire(batch);
        this.#onSettled();
      },
      (error: unknown) => {
        this.#stored = [];
        this.#maxSize = Math.max(1, batch.length >> 1);
        this.#keep(batch);
        const waitMs = this.#trouble.met("finish", error);
        this.#timer = setTimeout(() => this.#again(), waitMs);
        this.#onSettled();
      },
    );
  }

  /** Without waiting for the time of the next try. */
  storeNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.store();
  }

  /** Tells of those that were not stored. */
  stop(): void {
    clearTimeout(this.#timer);
    for (const held of [...this.#stored, ...this.#waiting.splice(0)])
      if (held.ending!.status !== "released")
        this.#trouble.tell(endingLost(held, "could not be stored before the worker closed: it runs again"));
  }

  #again(): void {
    this.storeNow();
    this.#onSettled();
  }

  #take(): HeldJob[] {
    if (this.#waiting.length > this.#maxSize) return this.#waiting.splice(0, this.#maxSize);
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  /** They come last the next time; those whose lease has surely run out are somebody else's. */
  #keep(batch: readonly HeldJob[]): void {
    const nowMs = performance.now();
    for (const held of batch) {
      if (held.leaseEndMs > nowMs) this.#waiting.push(held);
      else {
        this.#held.delete(held);
        this.#trouble.tell(
          endingLost(held, "could not be stored before its lease ran out: it is given to another worker"),
        );
      }
    }
  }

  #refused(held: HeldJob): void {
    this.#trouble.tell(endingLost(held, "was refused: it was given to another worker, or has ended otherwise"));
  }
}

function toEnding({ id, epoch, ending }: HeldJob): Parameters<Store["finish"]>[0]["endings"][number] {
  return { id, epoch, ending: ending! };
}
