import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { loadDatabaseClass } from "../../../src/brokers/sqlite/database.ts";
import type { ChaosStore, Effect, Observer, RunningRow } from "./chaos-store.ts";

export function createSqliteStore(folder: string): ChaosStore {
  const url = join(folder, "tasks.db");
  return {
    broker: { kind: "sqlite", url },
    server: undefined,
    graceMs: 1_000,
    observe: () => observeSqlite(url),
    close: async () => {},
  };
}

export function observeSqlite(file: string): Promise<Observer> {
  return SqliteObserver.open(file);
}

const effect = `INSERT INTO effects (id, state, epoch, holder, author, error) VALUES (NEW.id, NEW.state, NEW.epoch,
  (SELECT pid FROM afterword_workers WHERE id = NEW.worker), json_extract(NEW.result, '$.pid'), json_extract(NEW.error, '$.code'));`;

/** A connection of our own to the file of the jobs: it notes each ending in the transaction that stores it. */
class SqliteObserver implements Observer {
  readonly #db: DatabaseSync;
  readonly #probe: DatabaseSync;

  static async open(file: string): Promise<Observer> {
    const DatabaseClass = await loadDatabaseClass();
    return new SqliteObserver(new DatabaseClass(file), new DatabaseClass(file));
  }

  private constructor(db: DatabaseSync, probe: DatabaseSync) {
    this.#db = db;
    this.#probe = probe;
    db.exec("PRAGMA busy_timeout = 5000");
    probe.exec("PRAGMA busy_timeout = 20");
    // Whoever moves a job to those that have ended, or changes it there, leaves a line here: a fenced store leaves one.
    db.exec(`
      CREATE TABLE effects (id TEXT, state TEXT, epoch INTEGER, holder INTEGER, author INTEGER, error TEXT);
      CREATE TRIGGER effect_of_end AFTER INSERT ON afterword_ended BEGIN ${effect} END;
      CREATE TRIGGER effect_of_change AFTER UPDATE ON afterword_ended BEGIN ${effect} END;
    `);
  }

  async close(): Promise<void> {
    this.#db.close();
    this.#probe.close();
  }

  async effects(): Promise<readonly Effect[]> {
    return this.#db.prepare("SELECT * FROM effects ORDER BY rowid").all() as unknown as Effect[];
  }

  async running(): Promise<readonly RunningRow[]> {
    return this.#db
      .prepare(
        `SELECT job.id, lease_until AS leaseUntil, worker.pid FROM afterword_jobs AS job
         LEFT JOIN afterword_workers AS worker ON worker.id = job.worker WHERE state = 'running'`,
      )
      .all() as unknown as RunningRow[];
  }

  async unfinished(): Promise<number> {
    return (this.#db.prepare("SELECT count(*) AS count FROM afterword_jobs").get() as { count: number }).count;
  }

  async isWritable(): Promise<boolean> {
    const lateMs = performance.now() + 500;
    do {
      try {
        this.#probe.exec("BEGIN IMMEDIATE");
        this.#probe.exec("ROLLBACK");
        return true;
      } catch {
        await delay(2);
      }
    } while (performance.now() < lateMs);
    return false;
  }
}
