import { BroadcastChannel, workerData } from "node:worker_threads";
import { threadResources } from "../../background/task-thread.ts";
import type { ThreadSettings } from "./thread-messages.ts";

/** The life of this thread: it ends when it has been idle for long, or its worker closes, and closes before what it has opened. */
export class ThreadLife {
  readonly #idleMs: number;
  readonly #closeMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;
  #isEnding = false;
  /** How many of the thread's resources are open, and whether their opening is under way. */
  #opened = 0;

  constructor() {
    const { channel: name, idleMs, closeMs } = workerData as ThreadSettings;
    this.#idleMs = idleMs;
    this.#closeMs = closeMs;
    const channel = new BroadcastChannel(name);
    channel.addEventListener("message", () => this.#end());
    this.#rest();
  }

  /** A job is about to run. @returns whether it may: not in a thread that ends */
  begin(): boolean {
    clearTimeout(this.#timer);
    this.#isBusy = !this.#isEnding;
    return this.#isBusy;
  }

  /** The job has ended. */
  done(): void {
    this.#isBusy = false;
    if (this.#isEnding) this.#end();
    else this.#rest();
  }

  /** Opens what was made in this thread and is not open: the lifespans of the apps that its modules made. */
  async openResources(): Promise<void> {
    const resources = threadResources();
    while (this.#opened < resources.length) {
      await resources[this.#opened]!.open();
      this.#opened++;
    }
  }

  #rest(): void {
    // Longer than a timer can wait means: for ever.
    if (this.#idleMs < 2 ** 31) this.#timer = setTimeout(() => this.#end(), this.#idleMs);
  }

  #end(): void {
    this.#isEnding = true;
    if (!this.#isBusy) void this.#closeAndExit();
  }

  async #closeAndExit(): Promise<void> {
    clearTimeout(this.#timer);
    const open = threadResources().slice(0, this.#opened);
    this.#opened = 0;
    // What does not come to its end must not keep the thread for ever: it may have been given a job meanwhile.
    setTimeout(() => process.exit(0), this.#closeMs);
    try {
      for (const resource of open.toReversed()) await resource.close();
    } catch (error) {
      // Into nobody's hands: so the worker is told of it.
      queueMicrotask(() => {
        throw error;
      });
      return;
    }
    process.exit(0);
  }
}
