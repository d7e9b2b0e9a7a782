import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { Core } from "./core.ts";
import { executeBatch, type Executed } from "./execute-batch.ts";
import { openDatabase } from "./open-database.ts";
import type { SqliteConfig } from "./options.ts";
import { toOpenFailure, type Failure } from "./sqlite-error.ts";
import type { Operation } from "./verbs.ts";

/** Carries out batches on a connection, and opens another one when that has become useless. */
export class Writer {
  readonly #DatabaseClass: typeof DatabaseSync;
  readonly #config: SqliteConfig;
  #core: Core;
  /** Which file was opened: a path may come to mean another one. */
  #identity: string | undefined;

  /** @throws what SQLite throws, or an `AfterwordError` */
  constructor(DatabaseClass: typeof DatabaseSync, config: SqliteConfig) {
    this.#DatabaseClass = DatabaseClass;
    this.#config = config;
    this.#core = this.#open();
  }

  execute(operations: readonly Operation[], mayUpkeep?: boolean): Executed {
    const { file } = this.#config;
    if (this.#core.isBroken) {
      try {
        this.close();
        this.#core = this.#open();
      } catch (error) {
        return failAll(operations, { code: "not_stored", message: toOpenFailure(error, file).message });
      }
    }
    const executed = executeBatch(this.#core, operations, file, mayUpkeep);
    // Without complaint SQLite goes on to write to a file that nobody will find again.
    if (identityOf(file) === this.#identity) return executed;
    this.#core.isBroken = true;
    return failAll(operations, {
      code: "not_stored",
      message: `${file} was removed or replaced while it was in use. Put it back, if there is a copy of it; nothing has to be restarted.`,
    });
  }

  /** Changes when another connection has committed, https://www.sqlite.org/pragma.html#pragma_data_version. */
  dataVersion(): number {
    try {
      return this.#core.db.get<{ data_version: number }>("PRAGMA data_version")!.data_version;
    } catch {
      // Whoever wants something of the file will be told.
      return -1;
    }
  }

  close(): void {
    try {
      (this.#core.db.connection as DatabaseSync).close();
    } catch {
      // All that was committed is in the file, and what stands in the way of closing it is told when it is opened.
    }
  }

  #open(): Core {
    const core = new Core(openDatabase(this.#DatabaseClass, this.#config), this.#config.maxQueued);
    this.#identity = identityOf(this.#config.file);
    return core;
  }
}

function failAll(operations: readonly Operation[], failure: Failure): Executed {
  return { results: operations.map(() => ({ failure })), changed: [] };
}

function identityOf(file: string): string | undefined {
  try {
    const { dev, ino } = statSync(file);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
