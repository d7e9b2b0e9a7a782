import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { Database } from "./database.ts";
import type { SqliteConfig } from "./options.ts";
import { migrations } from "./schema.ts";

/**
 * Opens the file, and makes or migrates its tables, under a lock: several processes may do so at the same time.
 *
 * @throws {AfterwordError} with code `broker_open_failed`, or what SQLite throws
 */
export function openDatabase(DatabaseClass: typeof DatabaseSync, config: SqliteConfig): Database {
  const { file } = config;
  if (!existsSync(dirname(file)))
    throw new AfterwordError(
      "broker_open_failed",
      `${file} cannot be made, because its folder does not exist. Make it first: mkdir -p ${dirname(file)}`,
    );
  const connection = new DatabaseClass(file);
  try {
    // While another process turns on WAL for a new file, it is locked for a moment.
    connection.exec(`PRAGMA busy_timeout = ${Math.max(config.busyTimeoutMs, 5_000)}`);
    assertWal(connection.prepare("PRAGMA journal_mode = WAL").get(), file);
    connection.exec(`PRAGMA synchronous = ${config.synchronous.toUpperCase()}`);
    // On macOS a plain sync leaves the data in the cache of the disk, https://www.sqlite.org/pragma.html#pragma_fullfsync.
    if (config.synchronous === "full") connection.exec("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON");
    // The indexes that all jobs pass through stay in memory, and pages that change often are carried to the file less often:
    // a tenth to a fifth less CPU for each job than with SQLite's 2 MB and 1,000 pages, bench/sqlite.ts.
    connection.exec("PRAGMA cache_size = -16000");
    connection.exec("PRAGMA wal_autocheckpoint = 4000");
    migrate(connection, file);
    const busyTimeoutMs = Math.round(config.busyTimeoutMs);
    connection.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    return new Database(connection, busyTimeoutMs);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** A change of mode that is not possible is no error for SQLite. */
function assertWal(row: unknown, file: string): void {
  const mode = Object.values(row as Record<string, string>)[0];
  if (mode !== "wal")
    throw new AfterwordError(
      "broker_open_failed",
      `${file} cannot be used in WAL mode (SQLite stays in mode ${mode}). Put it on a local disk: network file systems lack what WAL needs.`,
    );
}

function migrate(connection: DatabaseSync, file: string): void {
  if (versionOf(connection) === migrations.length) return;
  connection.exec("BEGIN IMMEDIATE");
  try {
    const version = versionOf(connection);
    if (version > migrations.length)
      throw new AfterwordError(
        "broker_open_failed",
        `${file} was made by a newer version of Afterword (its schema is ${version}, this one knows ${migrations.length}). Install that version, or name another file.`,
      );
    for (const step of migrations.slice(version)) connection.exec(step);
    connection.exec(`UPDATE afterword_schema SET version = ${migrations.length}`);
    connection.exec("COMMIT");
  } catch (error) {
    // Unless SQLite has done it already, as it does when the disk is full.
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

/** 0 for a file without our tables: a new one, or the database of an application. */
function versionOf(connection: DatabaseSync): number {
  const table = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'afterword_schema'").get();
  if (table === undefined) return 0;
  return (connection.prepare("SELECT version FROM afterword_schema").get() as { version: number }).version;
}
