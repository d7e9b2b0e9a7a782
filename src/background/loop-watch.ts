import { performance, type EventLoopUtilization } from "node:perf_hooks";
import { blockedMs } from "./run-task.ts";

const sampleMs = 10;

/**
 * Notices when the event loop stood still while asynchronous tasks were running: a timer that should fire every
 * 10 ms fires late. It names all tasks that ran at the time, since nothing cheaper than tracing every promise would tell
 * which of them it was. The timer lives only while tasks run, and does not keep the process alive.
 */
export class LoopWatch {
  readonly #names: () => Iterable<string>;
  readonly #warn: (names: readonly string[], blockedMs: number) => void;
  #running = 0;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;
  #lastUtilization: EventLoopUtilization | undefined;

  /** @param names - of the tasks that run now */
  constructor(names: () => Iterable<string>, warn: (names: readonly string[], blockedMs: number) => void) {
    this.#names = names;
    this.#warn = warn;
  }

  add(): void {
    this.#running++;
    if (this.#timer !== undefined) return;
    this.#mark();
    this.#timer = setInterval(() => this.#sample(), sampleMs);
    this.#timer.unref();
  }

  /** To be called while the task is still among those that run. */
  remove(): void {
    // The task that held the loop may end before the late timer has had its turn.
    this.#check();
    this.#running--;
  }

  #sample(): void {
    this.#check();
    this.#mark();
    if (this.#running > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #mark(): void {
    this.#last = performance.now();
    this.#lastUtilization = performance.eventLoopUtilization();
  }

  #check(): void {
    if (performance.now() - this.#last - sampleMs <= blockedMs) return;
    // A process that was stopped, or had no share of the processor, is late as well; but its loop was waiting, not busy.
    const { active } = performance.eventLoopUtilization(this.#lastUtilization);
    if (active > blockedMs) this.#warn([...new Set(this.#names())], active);
  }
}
