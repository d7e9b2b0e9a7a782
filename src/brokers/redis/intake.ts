import type { StoredJob } from "../../tasks/broker.ts";
import type { NewJob } from "../../tasks/job.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { Connection, Reply } from "./connection.ts";
import { toArguments } from "./job-row.ts";

/** Beyond so many jobs, the next call takes what is handed over. */
const maxMerged = 500;

interface Pending {
  readonly jobs: readonly NewJob[];
  readonly resolve: (stored: readonly StoredJob[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Stores jobs: what is handed over within one turn of the event loop goes into one call, which halves what each costs when many
 * requests store one job each.
 */
export class Intake {
  readonly #connection: Connection;
  readonly #maxQueued: number | undefined;
  #pending: Pending[] = [];

  constructor(connection: Connection, maxQueued: number | undefined) {
    this.#connection = connection;
    this.#maxQueued = maxQueued;
  }

  add(jobs: readonly NewJob[]): Promise<readonly StoredJob[]> {
    return new Promise((resolve, reject) => {
      if (this.#pending.push({ jobs, resolve, reject }) === 1) setImmediate(() => this.#store());
    });
  }

  #store(): void {
    const pending = this.#pending;
    this.#pending = [];
    let batch: Pending[] = [];
    let count = 0;
    for (const each of pending) {
      // Whether there is room is asked for each batch by itself.
      if (count > 0 && (this.#maxQueued !== undefined || count + each.jobs.length > maxMerged)) {
        void this.#send(batch);
        batch = [];
        count = 0;
      }
      batch.push(each);
      count += each.jobs.length;
    }
    void this.#send(batch);
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    const jobs = batch.flatMap((each) => each.jobs);
    try {
      const reply = await this.#connection.ask("enqueue", [this.#maxQueued ?? -1, ...jobs.flatMap(toArguments)]);
      const ids = unlessFull(reply, this.#maxQueued) as readonly string[];
      let next = 0;
      for (const each of batch)
        each.resolve(
          each.jobs.map(({ id }): StoredJob => {
            const stored = ids[next++]!;
            return { id: stored, isDuplicate: stored !== id };
          }),
        );
    } catch (error) {
      for (const each of batch) each.reject(error);
    }
  }
}

/** @throws {StoreError} with code `queue_full` */
export function unlessFull(reply: Reply, maxQueued: number | undefined): Reply {
  const [first, waiting, added] = reply as readonly Reply[];
  if (first !== "full") return reply;
  throw new StoreError(
    "queue_full",
    `Nothing was stored: ${String(waiting)} jobs wait, and ${String(added)} more would be over maxQueued, which is ${maxQueued}. Try again later, or raise it.`,
  );
}
