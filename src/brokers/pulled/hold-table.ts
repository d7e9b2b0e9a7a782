import type { HeldJob } from "./held-job.ts";
import type { Hold } from "./store.ts";

/** The jobs that this worker has, by id. */
export class HoldTable {
  readonly #byId = new Map<string, HeldJob>();
  #retired: readonly HeldJob[] = [];

  get(id: string): HeldJob | undefined {
    return this.#byId.get(id);
  }

  has(held: HeldJob): boolean {
    return this.#byId.get(held.id) === held;
  }

  add(held: HeldJob): void {
    this.#byId.set(held.id, held);
  }

  delete(held: HeldJob): void {
    if (this.has(held)) this.#byId.delete(held.id);
  }

  /**
   * Their endings are stored. The store tells of that once, before it answers or a little later, and it must not sound like
   * news: until then they stay here. What it tells of them after that is news: somebody has retried them.
   */
  retire(ended: readonly HeldJob[]): void {
    // Of those that it had not told of by now it never will: hints can be lost.
    for (const held of this.#retired) this.delete(held);
    this.#retired = ended.filter((held) => !held.isTold);
    for (const held of ended) if (held.isTold) this.delete(held);
  }

  /** Whether one of these jobs is not, or was not until a moment ago, this worker's own. */
  hasOthers(ids: readonly string[]): boolean {
    let hasOthers = false;
    for (const id of ids) {
      const held = this.#byId.get(id);
      if (held === undefined || held.isTold) hasOthers = true;
      else if (held.ending !== undefined) held.isTold = true;
    }
    return hasOthers;
  }

  hasRunning(ids: readonly string[]): boolean {
    for (const id of ids) {
      const held = this.#byId.get(id);
      if (held !== undefined && held.ending === undefined) return true;
    }
    return false;
  }

  all(): Hold[] {
    return Array.from(this.#byId.values(), ({ id, epoch }) => ({ id, epoch }));
  }

  running(): HeldJob[] {
    const running: HeldJob[] = [];
    for (const held of this.#byId.values()) if (held.ending === undefined) running.push(held);
    return running;
  }
}
