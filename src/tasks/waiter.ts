import type { Broker } from "./broker.ts";
import { isFinal, type Job } from "./job.ts";

/** Changes may come in bursts: after one, so long passes before the store is asked again. */
const pauseMs = 5;
/** Hints can be lost: so often the store is asked without one. */
const pollMs = 1_000;
/** So many ids are asked for at once. */
const batch = 500;

/** What becomes of a job that somebody waits for: itself at its end, or `undefined` when the store knows it no longer. */
type Resolve = (job: Job | undefined) => void;

/**
 * Waits for the end of jobs. The hints of the broker make it quick; a slow poll makes it certain. It listens and polls
 * only while somebody waits.
 */
export class Waiter {
  readonly #broker: Broker;
  readonly #waiting = new Map<string, Resolve[]>();
  #unsubscribe: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Infinity;
  /** The ids that may have ended; `undefined` means any. */
  #hinted: Set<string> | undefined = new Set();
  #isAsking = false;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Resolves with the job when it has ended; with `undefined` when the store does not know it. Never rejects. */
  wait(id: string): Promise<Job | undefined> {
    return new Promise((resolve) => {
      const others = this.#waiting.get(id);
      if (others) others.push(resolve);
      else this.#waiting.set(id, [resolve]);
      this.#hinted?.add(id);
      this.#unsubscribe ??= this.#broker.subscribe((ids) => this.#onChange(ids));
      this.#schedule(0);
    });
  }

  /** Nobody can wait any longer: the broker closes. */
  close(): void {
    for (const id of this.#waiting.keys()) this.#resolve(id, undefined);
    this.#rest();
  }

  #onChange(ids: readonly string[] | undefined): void {
    if (ids === undefined) this.#hinted = undefined;
    else {
      const known = ids.filter((id) => this.#waiting.has(id));
      if (known.length === 0) return;
      for (const id of known) this.#hinted?.add(id);
    }
    this.#schedule(pauseMs);
  }

  #schedule(inMs: number): void {
    const dueMs = performance.now() + inMs;
    if (dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => void this.#ask(), inMs);
  }

  async #ask(): Promise<void> {
    this.#dueMs = Infinity;
    if (this.#isAsking) return this.#schedule(pauseMs);
    this.#isAsking = true;
    const ids = this.#hinted?.size ? [...this.#hinted] : [...this.#waiting.keys()];
    this.#hinted = new Set();
    try {
      for (let from = 0; from < ids.length; from += batch) {
        const part = ids.slice(from, from + batch);
        const jobs = await this.#broker.get({ ids: part });
        part.forEach((id, index) => {
          const job = jobs[index];
          if (job === undefined || isFinal(job.status)) this.#resolve(id, job);
        });
      }
    } catch {
      // The store is away: asked again at the next poll.
    }
    this.#isAsking = false;
    if (this.#waiting.size === 0) this.#rest();
    else this.#schedule(pollMs * (0.75 + Math.random() / 2));
  }

  #resolve(id: string, job: Job | undefined): void {
    const resolves = this.#waiting.get(id) ?? [];
    this.#waiting.delete(id);
    for (const resolve of resolves) resolve(job);
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#dueMs = Infinity;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}
