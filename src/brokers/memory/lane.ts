import type { JobRecord } from "./job-record.ts";
import { PlaceQueue } from "./place-queue.ts";
import type { TaskLimit } from "./task-limit.ts";

/**
 * The queued jobs of a queue that share a limit, or have none: a lane without room is in nobody's way. The highest priority
 * comes first, and the oldest within it.
 */
export class Lane {
  readonly limit: TaskLimit | undefined;
  readonly #lines: (PlaceQueue | undefined)[] = [];
  /** A bit for each priority that may have jobs. */
  #filled = 0;

  constructor(limit: TaskLimit | undefined) {
    this.limit = limit;
  }

  push(record: JobRecord): void {
    const { priority } = record;
    (this.#lines[priority] ??= new PlaceQueue()).push(record);
    this.#filled |= 1 << priority;
  }

  first(): JobRecord | undefined {
    while (this.#filled !== 0) {
      const priority = 31 - Math.clz32(this.#filled);
      const record = this.#lines[priority]!.first();
      if (record !== undefined) return record;
      this.#filled &= ~(1 << priority);
    }
    return undefined;
  }

  /** Takes the {@link first}. */
  shift({ line }: JobRecord): void {
    line!.shift();
  }

  oldestAt(): number {
    let oldest = Infinity;
    for (const line of this.#lines) if (line !== undefined) oldest = Math.min(oldest, line.oldestAt());
    return oldest;
  }
}

/** Whether one job comes before another that may not be there. */
export function isBefore(one: JobRecord, other: JobRecord | undefined): boolean {
  if (other === undefined || one.priority > other.priority) return true;
  return one.priority === other.priority && one.place < other.place;
}
