import type { JobStatus } from "../../tasks/job.ts";
import type { Database } from "./database.ts";

/** How many jobs each queue has in each state: changed with them, since counting a million rows takes too long. */
export class Tallies {
  readonly #db: Database;
  /** What the transaction has changed so far. */
  readonly #changes = new Map<string, Map<JobStatus, number>>();

  constructor(db: Database) {
    this.#db = db;
  }

  add(queue: string, state: JobStatus, count: number): void {
    let states = this.#changes.get(queue);
    if (states === undefined) this.#changes.set(queue, (states = new Map()));
    states.set(state, (states.get(state) ?? 0) + count);
  }

  move(queue: string, from: JobStatus, to: JobStatus): void {
    this.add(queue, from, -1);
    this.add(queue, to, 1);
  }

  /** Before the transaction is over, or somebody counts. */
  store(): void {
    for (const [queue, states] of this.#changes)
      for (const [state, count] of states)
        if (count !== 0)
          this.#db.run(
            `INSERT INTO afterword_tallies (queue, state, count) VALUES (?, ?, ?)
             ON CONFLICT (queue, state) DO UPDATE SET count = count + excluded.count`,
            queue,
            state,
            count,
          );
    this.#changes.clear();
  }

  /** The transaction has come to nothing. */
  forget(): void {
    this.#changes.clear();
  }
}
