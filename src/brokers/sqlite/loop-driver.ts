import { Core } from "./core.ts";
import { loadDatabaseClass } from "./database.ts";
import { watchMs, type Driver } from "./driver.ts";
import { executeBatch, type Executed } from "./execute-batch.ts";
import { openDatabase } from "./open-database.ts";
import type { SqliteConfig } from "./options.ts";
import { toError, toOpenFailure } from "./sqlite-error.ts";
import type { Operation } from "./verbs.ts";

/** Carries out batches in the event loop, which stands still meanwhile. */
export class LoopDriver implements Driver {
  readonly #config: SqliteConfig;
  readonly #onForeignChange: () => void;
  #core: Core | undefined;
  #timer: NodeJS.Timeout | undefined;
  #version = 0;

  constructor(config: SqliteConfig, onForeignChange: () => void) {
    this.#config = config;
    this.#onForeignChange = onForeignChange;
  }

  async open(): Promise<void> {
    const DatabaseClass = await loadDatabaseClass();
    try {
      this.#core = new Core(openDatabase(DatabaseClass, this.#config), this.#config.maxQueued);
    } catch (error) {
      throw toError(toOpenFailure(error, this.#config.file));
    }
  }

  async execute(operations: readonly Operation[]): Promise<Executed> {
    return executeBatch(this.#core!, operations, this.#config.file);
  }

  watch(isOn: boolean): void {
    clearInterval(this.#timer);
    if (!isOn) return;
    this.#version = dataVersion(this.#core!);
    this.#timer = setInterval(() => {
      const version = dataVersion(this.#core!);
      if (version === this.#version) return;
      this.#version = version;
      this.#onForeignChange();
    }, watchMs);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    (this.#core?.db.connection as { close?(): void } | undefined)?.close?.();
    this.#core = undefined;
  }
}

/** Changes when another connection has committed, https://www.sqlite.org/pragma.html#pragma_data_version. */
export function dataVersion({ db }: Core): number {
  try {
    return db.get<{ data_version: number }>("PRAGMA data_version")!.data_version;
  } catch {
    // Whoever wants something of the file will be told.
    return -1;
  }
}
