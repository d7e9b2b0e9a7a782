import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { loadDatabaseClass } from "../../src/brokers/sqlite/database.ts";

/** An ending, as a trigger in the file has seen it. */
export interface Effect {
  readonly id: string;
  readonly state: string;
  readonly epoch: number;
  /** The process that held the job by the file's own record. */
  readonly holder: number | null;
  /** The process that says it has run it: its result. */
  readonly author: number | null;
  readonly error: string | null;
}

/** A job that is running by the file's own record. */
export interface RunningRow {
  readonly id: string;
  readonly epoch: number;
  readonly lease_until: number;
  readonly pid: number | null;
}

const effect = `INSERT INTO effects (id, state, epoch, holder, author, error) VALUES (NEW.id, NEW.state, NEW.epoch,
  (SELECT pid FROM workers WHERE id = NEW.worker), json_extract(NEW.result, '$.pid'), json_extract(NEW.error, '$.code'));`;

/** A connection of our own to the file of the jobs: it notes each ending in the transaction that stores it. */
export class Observer {
  readonly #db: DatabaseSync;
  readonly #probe: DatabaseSync;

  /** @param file - whose tables exist already */
  static async open(file: string): Promise<Observer> {
    const DatabaseClass = await loadDatabaseClass();
    return new Observer(new DatabaseClass(file), new DatabaseClass(file));
  }

  private constructor(db: DatabaseSync, probe: DatabaseSync) {
    this.#db = db;
    this.#probe = probe;
    db.exec("PRAGMA busy_timeout = 5000");
    probe.exec("PRAGMA busy_timeout = 20");
    // Whoever moves a job to those that have ended, or changes it there, leaves a line here: a fenced store leaves one.
    db.exec(`
      CREATE TABLE effects (id TEXT, state TEXT, epoch INTEGER, holder INTEGER, author INTEGER, error TEXT);
      CREATE INDEX effects_id ON effects (id);
      CREATE TRIGGER effect_of_end AFTER INSERT ON ended BEGIN ${effect} END;
      CREATE TRIGGER effect_of_change AFTER UPDATE ON ended BEGIN ${effect} END;
    `);
  }

  close(): void {
    this.#db.close();
    this.#probe.close();
  }

  effects(): Effect[] {
    return this.#db.prepare("SELECT * FROM effects ORDER BY rowid").all() as unknown as Effect[];
  }

  effectsOf(id: string): Effect[] {
    return this.#db.prepare("SELECT * FROM effects WHERE id = ?").all(id) as unknown as Effect[];
  }

  running(): RunningRow[] {
    return this.#db
      .prepare(
        `SELECT jobs.id, epoch, lease_until, workers.pid FROM jobs LEFT JOIN workers ON workers.id = jobs.worker
         WHERE state = 'running'`,
      )
      .all() as unknown as RunningRow[];
  }

  /** How many jobs have not ended. */
  unfinished(): number {
    return (this.#db.prepare("SELECT count(*) AS count FROM jobs").get() as { count: number }).count;
  }

  /** Whether somebody can write now, or soon. */
  async isWritable(withinMs = 500): Promise<boolean> {
    const lateMs = performance.now() + withinMs;
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
