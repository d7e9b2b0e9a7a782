import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** What is stored in a column. */
export type Value = SQLInputValue;

/** As much of a SQLite connection as is used: `node:sqlite` and better-sqlite3 have it. */
export interface DatabaseLike {
  prepare(sql: string): StatementLike;
}

export interface StatementLike {
  run(...values: Value[]): { readonly changes: number | bigint };
  get(...values: Value[]): unknown;
  all(...values: Value[]): unknown[];
  /** Of `node:sqlite` only. */
  setReturnArrays?(isOn: boolean): void;
}

/** A connection whose statements are prepared once. */
export class Database {
  readonly connection: DatabaseLike;
  /** How long it waits while another connection writes. */
  readonly busyTimeoutMs: number;
  readonly #statements = new Map<string, StatementLike>();
  readonly #arrays = new Map<string, StatementLike>();

  constructor(connection: DatabaseLike, busyTimeoutMs: number = 0) {
    this.connection = connection;
    this.busyTimeoutMs = busyTimeoutMs;
  }

  /** @returns how many rows were changed */
  run(sql: string, ...values: Value[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  get<T>(sql: string, ...values: Value[]): T | undefined {
    return (this.#prepare(sql).get(...values) ?? undefined) as T | undefined;
  }

  all<T>(sql: string, ...values: Value[]): T[] {
    return this.#prepare(sql).all(...values) as T[];
  }

  /** Rows as arrays of their columns: cheaper to make, and to send to another thread. */
  tuples<T extends readonly unknown[]>(sql: string, ...values: Value[]): T[] {
    let statement = this.#arrays.get(sql);
    if (statement === undefined) {
      statement = this.connection.prepare(sql);
      statement.setReturnArrays!(true);
      this.#arrays.set(sql, statement);
    }
    return statement.all(...values) as T[];
  }

  #prepare(sql: string): StatementLike {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.connection.prepare(sql)));
    return statement;
  }
}

/** The class of connections, whatever this version of Node calls it. Its warning that it is experimental is kept back. */
export async function loadDatabaseClass(): Promise<typeof DatabaseSync> {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).includes("SQLite is an experimental feature"))
      (emitWarning as (...args: unknown[]) => void).call(process, warning, ...rest);
  }) as typeof process.emitWarning;
  try {
    const sqlite = (await import("node:sqlite")) as {
      DatabaseSync: typeof DatabaseSync;
      Database?: typeof DatabaseSync;
    };
    return sqlite.Database ?? sqlite.DatabaseSync;
  } finally {
    process.emitWarning = emitWarning;
  }
}
