import { setTimeout as delay } from "node:timers/promises";
import type { Fleet } from "./fleet.ts";
import type { Observer } from "./observer.ts";

/** How long jobs were seen as running after their lease had run out, while somebody was there to take them back. */
export class OverdueWatch {
  /** The longest such time, in milliseconds. */
  maxMs = 0;
  samples = 0;
  readonly #fleet: Fleet;
  readonly #observer: Observer;

  constructor(fleet: Fleet, observer: Observer) {
    this.#fleet = fleet;
    this.#observer = observer;
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      this.#sample();
      await delay(100);
    }
  }

  #sample(): void {
    this.samples++;
    const since = this.#fleet.servingSince();
    const now = Date.now();
    for (const { lease_until } of this.#observer.running())
      this.maxMs = Math.max(this.maxMs, now - Math.max(lease_until, since));
  }
}
