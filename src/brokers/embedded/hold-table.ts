import type { HeldJob } from "./held-job.ts";

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
   * Their endings are stored. The store may tell of that a little later, and it must not sound like news: so they are
   * forgotten when the next ones come.
   */
  retire(ended: readonly HeldJob[]): void {
    for (const held of this.#retired) this.delete(held);
    this.#retired = ended;
  }

  /** Whether one of these jobs is not, or was not until a moment ago, this worker's own. */
  hasOthers(ids: readonly string[]): boolean {
    for (const id of ids) if (!this.#byId.has(id)) return true;
    return false;
  }

  hasRunning(ids: readonly string[]): boolean {
    for (const id of ids) {
      const held = this.#byId.get(id);
      if (held !== undefined && held.ending === undefined) return true;
    }
    return false;
  }

  running(): HeldJob[] {
    const running: HeldJob[] = [];
    for (const held of this.#byId.values()) if (held.ending === undefined) running.push(held);
    return running;
  }
}
