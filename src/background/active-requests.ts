/** What a member of {@link ActiveRequests} keeps for it. */
export interface Active {
  /** Its place among them, -1 when it is not there. */
  activeIndex: number;
}

/**
 * The requests whose tasks wait or run, in no order.
 *
 * No `Set`: one whose members come and go is copied into a new table every few requests, and the dead tables hold each
 * other and their members until the next full collection (12 µs a request, pauses of 20 ms).
 */
export class ActiveRequests<T extends Active> {
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: T): void {
    if (member.activeIndex === -1) member.activeIndex = this.#members.push(member) - 1;
  }

  /** @returns whether it was there */
  delete(member: T): boolean {
    const index = member.activeIndex;
    if (index === -1) return false;
    const last = this.#members.pop()!;
    if (last !== member) {
      this.#members[index] = last;
      last.activeIndex = index;
    }
    member.activeIndex = -1;
    return true;
  }

  /** Those of now: some may go while they are looked through. */
  [Symbol.iterator](): Iterator<T> {
    return this.#members.slice().values();
  }
}
