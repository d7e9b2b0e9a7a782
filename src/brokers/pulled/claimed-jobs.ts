import type { HeldJob } from "./held-job.ts";

/** Jobs that are claimed and wait for a turn of the event loop, in order. */
export class ClaimedJobs {
  #jobs: HeldJob[] = [];
  #next = 0;

  get size(): number {
    return this.#jobs.length - this.#next;
  }

  push(held: HeldJob): void {
    this.#jobs.push(held);
  }

  shift(): HeldJob | undefined {
    const held = this.#jobs[this.#next];
    if (held === undefined) return undefined;
    this.#next++;
    if (this.#next === this.#jobs.length) {
      this.#jobs = [];
      this.#next = 0;
    }
    return held;
  }
}
