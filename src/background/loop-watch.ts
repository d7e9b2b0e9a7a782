import type { AddedTask } from "./added-task.ts";
import { blockedMs } from "./run-task.ts";

const sampleMs = 10;

/**
 * Notices when the event loop stood still while asynchronous tasks were running: a timer that should fire every
 * 10 ms fires late. It names all tasks that ran at the time, since nothing cheaper than tracing every promise would tell
 * which of them it was. The timer lives only while tasks run, and does not keep the process alive.
 */
export class LoopWatch {
  readonly #running = new Set<AddedTask>();
  readonly #warn: (names: readonly string[], blockedMs: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;

  constructor(warn: (names: readonly string[], blockedMs: number) => void) {
    this.#warn = warn;
  }

  add(task: AddedTask): void {
    this.#running.add(task);
    if (this.#timer !== undefined) return;
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#sample(), sampleMs);
    this.#timer.unref();
  }

  remove(task: AddedTask): void {
    if (!this.#running.has(task)) return;
    // The task that held the loop may end before the late timer has had its turn.
    this.#check();
    this.#running.delete(task);
  }

  #sample(): void {
    this.#check();
    this.#last = performance.now();
    if (this.#running.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    const lateMs = performance.now() - this.#last - sampleMs;
    if (lateMs > blockedMs) this.#warn([...new Set(Array.from(this.#running, (task) => task.name))], lateMs);
  }
}
