import type { Catalog } from "./catalog.ts";
import type { Database } from "./database.ts";
import { clear, isUpkeepDue, upkeep } from "./upkeep.ts";

/** So often an open broker looks whether the time of some job has come. */
const everyMs = 250;
const clearEveryMs = 60_000;

/** Looks after what time alone does to jobs, as long as a broker is open. */
export class UpkeepTimer {
  readonly #database: Database;
  readonly #catalog: Catalog;
  readonly #onChange: (ids: readonly string[]) => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  #clearAtMs = performance.now() + clearEveryMs;
  #isOn = false;

  constructor(database: Database, catalog: Catalog, onChange: (ids: readonly string[]) => void) {
    this.#database = database;
    this.#catalog = catalog;
    this.#onChange = onChange;
  }

  start(): void {
    this.#isOn = true;
    this.#plan(everyMs);
  }

  stop(): void {
    this.#isOn = false;
    clearTimeout(this.#timer);
  }

  #plan(ms: number): void {
    if (!this.#isOn) return;
    // No two processes at the same time, again and again.
    this.#timer = setTimeout(() => void this.#look(), ms * (0.75 + Math.random() / 2));
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    try {
      await this.#database.single((core) => this.#catalog.read(core));
      if ((await this.#database.single(isUpkeepDue)).value) {
        const { changed } = await this.#database.transact(upkeep);
        if (changed.length > 0 && this.#isOn) this.#onChange(changed);
      }
      if (performance.now() > this.#clearAtMs) {
        this.#clearAtMs = performance.now() + clearEveryMs * (0.75 + Math.random() / 2);
        await this.#database.transact(clear);
      }
      this.#plan(everyMs);
    } catch {
      // Verbs tell of a server that is away; this waits until it is back.
      this.#plan(4 * everyMs);
    }
  }
}
