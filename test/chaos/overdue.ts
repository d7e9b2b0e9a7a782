import { setTimeout as delay } from "node:timers/promises";
import type { Fleet } from "./fleet.ts";
import type { ChaosStore, Observer } from "./stores/chaos-store.ts";

/** After the server of a store was away, processes have so much time to find it again. */
const returnMs = 2_000;

/** How long jobs were seen as running after their lease had run out, while somebody was there to take them back. */
export class OverdueWatch {
  /** The longest such time, in milliseconds. */
  maxMs = 0;
  samples = 0;
  readonly #store: ChaosStore;
  readonly #fleet: Fleet;
  readonly #observer: Observer;

  constructor(store: ChaosStore, fleet: Fleet, observer: Observer) {
    this.#store = store;
    this.#fleet = fleet;
    this.#observer = observer;
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.#sample();
      await delay(100);
    }
  }

  async #sample(): Promise<void> {
    const { server } = this.#store;
    const since = Math.max(this.#fleet.servingSince(), server === undefined ? 0 : server.upAt + returnMs);
    const now = Date.now();
    // What cannot be read now is read the next time.
    const running = await this.#observer.running().catch(() => []);
    if (server !== undefined && !server.isUpSince(now)) return;
    this.samples++;
    for (const { leaseUntil } of running) this.maxMs = Math.max(this.maxMs, now - Math.max(leaseUntil, since));
  }
}
