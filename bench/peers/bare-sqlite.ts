// The statements of the SQLite broker and nothing else: node:sqlite on the same schema.
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { migrations } from "../../src/brokers/sqlite/schema.ts";
import { createUuidV7 } from "../../src/internal/uuid-v7.ts";

/** What the jobs of a task without options are stored with. */
export const settings: string = JSON.stringify({
  attempts: 1,
  backoff: { baseMs: 1_000, factor: 2, maxMs: 60_000, jitter: true },
  keepResultMs: 3_600_000,
  keepFailedMs: 604_800_000,
});

export class BareSqlite implements Disposable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #claim: StatementSync;
  readonly #move: StatementSync;
  readonly #delete: StatementSync;

  constructor(file: string, synchronous: "full" | "off" = "full") {
    this.#db = new DatabaseSync(file);
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; ${migrations.join(";")}`);
    // So that the broker opens the file, too.
    this.#db.exec(`UPDATE afterword_schema SET version = ${migrations.length}`);
    this.#insert = this.#db.prepare(
      `INSERT INTO afterword_jobs (id, task, queue, lane, state, priority, args, settings, meta, stored_at, run_at)
       VALUES (?, 'noop', 'default', '', 'queued', 5, ?, ?, '{}', ?, ?)`,
    );
    this.#claim = this.#db.prepare(
      `UPDATE afterword_jobs SET state = 'running', worker = 'w', epoch = epoch + 1, deliveries = deliveries + 1, attempt = attempt + 1,
         started_at = ?, lease_until = ?
       WHERE place IN (SELECT place FROM afterword_jobs WHERE state = 'queued' AND queue = 'default' AND lane = '' ORDER BY priority DESC, place LIMIT ?)
       RETURNING id, task, args, settings, attempt, epoch`,
    );
    this.#move = this.#db.prepare(
      `INSERT INTO afterword_ended (id, task, queue, state, priority, args, settings, meta, attempt, deliveries, epoch, stored_at, run_at,
         started_at, ended_at, forget_at, worker, result)
       SELECT id, task, queue, 'succeeded', priority, args, settings, meta, attempt, deliveries, epoch, stored_at, run_at,
         started_at, ?, ?, worker, 'null' FROM afterword_jobs WHERE id = ? AND epoch = ?`,
    );
    this.#delete = this.#db.prepare("DELETE FROM afterword_jobs WHERE id = ?");
  }

  insert(count: number): void {
    const now = Date.now();
    for (let index = 0; index < count; index++) this.#insert.run(createUuidV7(), "[1]", settings, now, now);
  }

  /** Jobs that were claimed before are ended, and others claimed. */
  work(ended: readonly Record<string, unknown>[], count: number): Record<string, unknown>[] {
    const now = Date.now();
    for (const { id, epoch } of ended) {
      this.#move.run(now, now + 3_600_000, id as string, epoch as number);
      this.#delete.run(id as string);
    }
    return this.#claim.all(now, now + 30_000, count);
  }

  transact<T>(fn: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    const value = fn();
    this.#db.exec("COMMIT");
    return value;
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
