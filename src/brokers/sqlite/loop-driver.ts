import { loadDatabaseClass } from "./database.ts";
import type { Driver } from "./driver.ts";
import type { Executed } from "./execute-batch.ts";
import { ForeignChanges } from "./foreign-changes.ts";
import type { SqliteConfig } from "./options.ts";
import { toError, toOpenFailure } from "./sqlite-error.ts";
import type { Operation } from "./verbs.ts";
import { Writer } from "./writer.ts";

/** Carries out batches in the event loop, which stands still meanwhile. */
export class LoopDriver implements Driver {
  readonly #config: SqliteConfig;
  readonly #onForeignChange: () => void;
  #writer: Writer | undefined;
  #changes: ForeignChanges | undefined;

  constructor(config: SqliteConfig, onForeignChange: () => void) {
    this.#config = config;
    this.#onForeignChange = onForeignChange;
  }

  async open(): Promise<void> {
    const DatabaseClass = await loadDatabaseClass();
    try {
      this.#writer = new Writer(DatabaseClass, this.#config);
      this.#changes = new ForeignChanges(this.#writer, this.#onForeignChange);
    } catch (error) {
      throw toError(toOpenFailure(error, this.#config.file));
    }
  }

  async execute(operations: readonly Operation[]): Promise<Executed> {
    return this.#writer!.execute(operations);
  }

  watch(isOn: boolean): void {
    if (isOn) this.#changes?.start();
    else this.#changes?.stop();
  }

  async close(): Promise<void> {
    this.#changes?.stop();
    this.#writer?.close();
    this.#writer = undefined;
    this.#changes = undefined;
  }
}
