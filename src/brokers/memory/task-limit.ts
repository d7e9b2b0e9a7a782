import type { TaskLimits } from "../../tasks/job.ts";
import { Fifo } from "./fifo.ts";

/** How many jobs of a task may run, and how many do. */
export class TaskLimit {
  running = 0;
  #maxRunning = Infinity;
  #rateLimit = Infinity;
  #perMs = 0;
  /** When jobs were started, as far as the rate asks for it. */
  readonly #starts = new Fifo<number>();

  set(limits: TaskLimits | undefined): void {
    this.#maxRunning = limits?.maxRunning ?? Infinity;
    this.#rateLimit = limits?.rate?.limit ?? Infinity;
    this.#perMs = limits?.rate?.perMs ?? 0;
  }

  /** When another may start: a time that has come, one that will come, or `Infinity` where one must end first. */
  roomAt(now: number): number {
    if (this.running >= this.#maxRunning) return Infinity;
    const starts = this.#starts;
    while (starts.size > 0 && starts.first! + this.#perMs <= now) starts.shift();
    if (starts.size < this.#rateLimit) return now;
    // After the limit was lowered, several must grow old.
    let tooMany = starts.size - this.#rateLimit;
    for (const at of starts) if (tooMany-- === 0) return at + this.#perMs;
    return now;
  }

  started(now: number): void {
    this.running++;
    if (this.#rateLimit !== Infinity) this.#starts.push(now);
  }

  ended(): void {
    this.running--;
  }
}
