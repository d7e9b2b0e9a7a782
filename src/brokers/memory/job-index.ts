import type { JobRecord } from "./job-record.ts";
import { QueueRecord } from "./queue-record.ts";

/** All jobs that are known: by id, by unique key, by age; and their queues. */
export class JobIndex {
  readonly #byId = new Map<string, JobRecord>();
  readonly #byKey = new Map<string, JobRecord>();
  readonly #queues = new Map<string, QueueRecord>();
  #newest: JobRecord | undefined;

  get(id: string): JobRecord | undefined {
    return this.#byId.get(id);
  }

  add(record: JobRecord): void {
    this.#byId.set(record.id, record);
    record.queue.size++;
    record.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = record;
    this.#newest = record;
  }

  delete(record: JobRecord): void {
    this.#byId.delete(record.id);
    const { newer, older, queue } = record;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older !== undefined) older.newer = newer;
    record.newer = record.older = undefined;
    record.isForgotten = true;
    queue.size--;
    this.forgetIfUnused(queue);
  }

  /** From the newest, or from the one after that id, to the oldest. */
  *byAge(after?: string): Generator<JobRecord> {
    const known = after === undefined ? undefined : this.#byId.get(after);
    let record = known === undefined ? this.#newest : known.older;
    // It may have been forgotten since; ids of version 7 tell the age.
    if (after !== undefined && known === undefined)
      while (record !== undefined && record.id >= after) record = record.older;
    for (; record !== undefined; record = record.older) yield record;
  }

  // Queues

  /** The queue of that name, which is known from now on. */
  queue(name: string): QueueRecord {
    let queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, (queue = new QueueRecord(name)));
    return queue;
  }

  knownQueues(names: readonly string[]): QueueRecord[] {
    const known: QueueRecord[] = [];
    for (const name of new Set(names)) {
      const queue = this.#queues.get(name);
      if (queue !== undefined) known.push(queue);
    }
    return known;
  }

  /** All of them, by name. */
  queues(): QueueRecord[] {
    return [...this.#queues.values()].toSorted((one, two) => (one.name < two.name ? -1 : 1));
  }

  forgetIfUnused(queue: QueueRecord): void {
    if (queue.size === 0 && !queue.isPaused) this.#queues.delete(queue.name);
  }

  // Unique keys

  /** Who has the key of that task. */
  holderOf(task: string, key: string | undefined): JobRecord | undefined {
    return key === undefined ? undefined : this.#byKey.get(scoped(task, key));
  }

  takeKey(record: JobRecord): void {
    if (record.uniqueKey !== undefined) this.#byKey.set(scoped(record.task, record.uniqueKey), record);
  }

  freeKey({ task, uniqueKey }: JobRecord): void {
    if (uniqueKey !== undefined) this.#byKey.delete(scoped(task, uniqueKey));
  }
}

/** No two pairs of task and key give the same text. */
function scoped(task: string, key: string): string {
  return `${task.length}:${task}${key}`;
}
