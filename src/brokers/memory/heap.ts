/** A binary heap: the member with the smallest key is first. */
export class Heap<T> {
  readonly #keys: number[] = [];
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  get first(): T | undefined {
    return this.#members[0];
  }

  /** All of them, in no order. */
  get members(): readonly T[] {
    return this.#members;
  }

  push(key: number, member: T): void {
    let index = this.#members.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#keys[parent]! <= key) break;
      this.#put(index, this.#keys[parent]!, this.#members[parent]!);
      index = parent;
    }
    this.#put(index, key, member);
  }

  shift(): T | undefined {
    const first = this.#members[0];
    const key = this.#keys.pop();
    const member = this.#members.pop();
    const { length } = this.#members;
    if (key === undefined || length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#keys[child + 1]! < this.#keys[child]!) child++;
      if (this.#keys[child]! >= key) break;
      this.#put(index, this.#keys[child]!, this.#members[child]!);
      index = child;
    }
    this.#put(index, key, member!);
    return first;
  }

  #put(index: number, key: number, member: T): void {
    this.#keys[index] = key;
    this.#members[index] = member;
  }
}
