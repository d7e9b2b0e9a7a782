import { realpathSync } from "node:fs";
import type { StoredJob } from "../../tasks/broker.ts";
import type { NewJob } from "../../tasks/job.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import { Core } from "./core.ts";
import { Database, type DatabaseLike, type StatementLike } from "./database.ts";
import { enqueue, toStoredJobs } from "./enqueue.ts";
import { toInsert } from "./job-insert.ts";
import type { SqliteConfig } from "./options.ts";
import { settleParts } from "./parts.ts";
import { toError, toFailure } from "./sqlite-error.ts";

/**
 * Stores jobs through the user's own connection to the same file, within the transaction that is open on it.
 *
 * @throws {AfterwordError} with code `invalid_transaction` when it is no such connection, or no transaction is open
 */
export function enqueueInTransaction(
  transaction: unknown,
  jobs: readonly NewJob[],
  { file, maxQueued }: SqliteConfig,
): readonly StoredJob[] {
  const db = toDatabase(transaction, file);
  const core = new Core(db, maxQueued);
  core.now = Date.now();
  try {
    // In case one of them cannot be stored: the rest of the user's transaction is the user's affair.
    db.run("SAVEPOINT afterword");
    try {
      const stored = toStoredJobs(enqueue(core, jobs.map(toInsert)), jobs);
      settleParts(core);
      core.tallies.store();
      db.run("RELEASE afterword");
      return stored;
    } catch (error) {
      db.run("ROLLBACK TO afterword");
      db.run("RELEASE afterword");
      throw error;
    }
  } catch (error) {
    throw toError(toFailure(error, file, false));
  }
}

function toDatabase(transaction: unknown, file: string): Database {
  if (typeof transaction !== "object" || transaction === null || !isDatabaseLike(transaction))
    throw wrong(
      `with({ transaction }) expects a connection of node:sqlite or better-sqlite3 to ${file}, but got ${formatValue(transaction)}.`,
    );
  const { isTransaction, inTransaction } = transaction as { isTransaction?: unknown; inTransaction?: unknown };
  if ((isTransaction ?? inTransaction) === false)
    throw wrong(
      "with({ transaction }) was given a connection on which no transaction is open. Begin one first, and commit it after enqueue().",
    );
  const db = new Database(withPlainRows(transaction));
  const main = db.all<{ name: string; file: string }>("PRAGMA database_list").find(({ name }) => name === "main");
  if (main === undefined || !isSameFile(main.file, file))
    throw wrong(
      `with({ transaction }) was given a connection to ${main?.file || "a database in memory"}, but the jobs are in ${file}: a transaction cannot span both.`,
    );
  return db;
}

function isDatabaseLike(value: object): value is DatabaseLike {
  return typeof (value as Partial<DatabaseLike>).prepare === "function";
}

/** However the user likes rows and integers. */
interface StatementWithModes extends StatementLike {
  setReadBigInts?(isOn: boolean): void;
  safeIntegers?(isOn: boolean): void;
}

function withPlainRows(connection: DatabaseLike): DatabaseLike {
  return {
    prepare(sql) {
      const statement = connection.prepare(sql) as StatementWithModes;
      statement.setReturnArrays?.(false);
      statement.setReadBigInts?.(false);
      statement.safeIntegers?.(false);
      return statement;
    },
  };
}

function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}

function wrong(message: string): AfterwordError {
  return new AfterwordError("invalid_transaction", message);
}
