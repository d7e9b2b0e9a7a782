/** Something with at most one time at which it must be looked at. */
export interface Timed {
  /** Its place among the deadlines; -1 when it is not there. */
  deadlineIndex: number;
}

/** What must be looked at, and when: a binary heap in which each member knows its place, so that it can be taken out. */
export class Deadlines<T extends Timed> {
  readonly #times: number[] = [];
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** The earliest time; `Infinity` when there is none. */
  get firstAt(): number {
    return this.#members.length === 0 ? Infinity : this.#times[0]!;
  }

  add(member: T, at: number): void {
    this.#rise(this.#members.length, at, member);
  }

  delete(member: T): void {
    const index = member.deadlineIndex;
    if (index === -1) return;
    member.deadlineIndex = -1;
    const at = this.#times.pop()!;
    const last = this.#members.pop()!;
    if (last === member) return;
    if (index > 0 && this.#times[(index - 1) >> 1]! > at) this.#rise(index, at, last);
    else this.#sink(index, at, last);
  }

  /** Takes one whose time has come. */
  takeDue(now: number): T | undefined {
    if (this.firstAt > now) return undefined;
    const first = this.#members[0]!;
    this.delete(first);
    return first;
  }

  #rise(from: number, at: number, member: T): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#times[parent]! <= at) break;
      this.#put(index, this.#times[parent]!, this.#members[parent]!);
      index = parent;
    }
    this.#put(index, at, member);
  }

  #sink(from: number, at: number, member: T): void {
    const { length } = this.#members;
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#times[child + 1]! < this.#times[child]!) child++;
      if (this.#times[child]! >= at) break;
      this.#put(index, this.#times[child]!, this.#members[child]!);
      index = child;
    }
    this.#put(index, at, member);
  }

  #put(index: number, at: number, member: T): void {
    this.#times[index] = at;
    this.#members[index] = member;
    member.deadlineIndex = index;
  }
}
