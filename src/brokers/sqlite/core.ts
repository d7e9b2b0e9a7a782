import type { Database } from "./database.ts";
import type { FinalEnding } from "./ending.ts";
import { Tallies } from "./tallies.ts";

/** What the verbs work on: a connection within a transaction, at one moment. */
export class Core {
  readonly db: Database;
  readonly maxQueued: number | undefined;
  readonly tallies: Tallies;
  /** The moment of the transaction, by the clock of the host. */
  now = 0;
  /** The ids of the jobs that it changes. */
  changed: string[] = [];
  /** Jobs that have ended and that others wait for, who are told before the transaction is over. */
  endedParts: { readonly id: string; readonly ending: FinalEnding }[] = [];
  /** Whether the connection is of no use any more. */
  isBroken = false;
  /** When jobs are next forgotten. */
  nextForgetAt = 0;

  constructor(db: Database, maxQueued: number | undefined) {
    this.db = db;
    this.tallies = new Tallies(db);
    this.maxQueued = maxQueued;
  }

  hasEnded(id: string): boolean {
    return this.db.get("SELECT 1 FROM afterword_ended WHERE id = ?", id) !== undefined;
  }
}
