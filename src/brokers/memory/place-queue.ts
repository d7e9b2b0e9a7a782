import { Fifo } from "./fifo.ts";
import { Heap } from "./heap.ts";
import type { JobRecord } from "./job-record.ts";

/**
 * Queued jobs of one priority, by their place in the order of storing. New ones come in that order and wait in a line; those
 * that come back to an earlier place are few and wait in a heap.
 *
 * Whoever leaves before his turn is passed over when it comes. When those are many, all are put up anew.
 */
export class PlaceQueue {
  #line = new Fifo<JobRecord>();
  #back = new Heap<JobRecord>();
  #left = 0;

  get size(): number {
    return this.#line.size + this.#back.size - this.#left;
  }

  push(record: JobRecord): void {
    record.line = this;
    const { last } = this.#line;
    if (last === undefined || last.place < record.place) this.#line.push(record);
    else this.#back.push(record.place, record);
  }

  first(): JobRecord | undefined {
    while (this.#line.first !== undefined && this.#line.first.line !== this) {
      this.#line.shift();
      this.#left--;
    }
    while (this.#back.first !== undefined && this.#back.first.line !== this) {
      this.#back.shift();
      this.#left--;
    }
    return this.#isBackFirst() ? this.#back.first : this.#line.first;
  }

  /** Takes the {@link first}. */
  shift(): void {
    const record = this.#isBackFirst() ? this.#back.shift() : this.#line.shift();
    record!.line = undefined;
  }

  /** Lets one of them go. */
  delete(record: JobRecord): void {
    record.line = undefined;
    this.#left++;
    if (this.#left > 64 && this.#left > this.size) this.#putUpAnew();
  }

  /** Since when the oldest can run; `Infinity` when there is none. */
  oldestAt(): number {
    let oldest = this.first() === undefined ? Infinity : (this.#line.first?.runAt ?? Infinity);
    for (const { line, runAt } of this.#back.members) if (line === this) oldest = Math.min(oldest, runAt!);
    return oldest;
  }

  #isBackFirst(): boolean {
    const { first } = this.#back;
    return first !== undefined && (this.#line.first === undefined || first.place < this.#line.first.place);
  }

  #putUpAnew(): void {
    const queued = new Set<JobRecord>();
    for (const record of this.#line) if (record.line === this) queued.add(record);
    for (const record of this.#back.members) if (record.line === this) queued.add(record);
    this.#line = new Fifo();
    this.#back = new Heap();
    this.#left = 0;
    for (const record of [...queued].toSorted((one, two) => one.place - two.place)) this.#line.push(record);
  }
}
