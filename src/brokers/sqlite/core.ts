import type { Database } from "./database.ts";

/** What the verbs work on: a connection within a transaction, at one moment. */
export class Core {
  readonly db: Database;
  readonly maxQueued: number | undefined;
  /** The moment of the transaction, by the clock of the host. */
  now = 0;
  /** The ids of the jobs that it changes. */
  changed: string[] = [];
  /** When jobs are next forgotten. */
  nextForgetAt = 0;

  constructor(db: Database, maxQueued: number | undefined) {
    this.db = db;
    this.maxQueued = maxQueued;
  }

  hasEnded(id: string): boolean {
    return this.db.get("SELECT 1 FROM ended WHERE id = ?", id) !== undefined;
  }
}
