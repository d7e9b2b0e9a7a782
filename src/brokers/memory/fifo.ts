const chunkSize = 256;

interface Chunk<T> {
  readonly members: (T | undefined)[];
  next: Chunk<T> | undefined;
}

/**
 * First in, first out, in chunks: adding and taking cost the same however many there are, and nothing large is ever copied.
 */
export class Fifo<T> {
  #head: Chunk<T> = { members: [], next: undefined };
  #tail: Chunk<T> = this.#head;
  #headIndex = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#head.members[this.#headIndex];
  }

  /** The one that was added last; `undefined` when there are none. */
  get last(): T | undefined {
    return this.#size === 0 ? undefined : this.#tail.members.at(-1);
  }

  push(member: T): void {
    if (this.#tail.members.length === chunkSize) {
      const chunk = { members: [], next: undefined };
      this.#tail.next = chunk;
      this.#tail = chunk;
    }
    this.#tail.members.push(member);
    this.#size++;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const head = this.#head;
    const first = head.members[this.#headIndex];
    head.members[this.#headIndex++] = undefined;
    this.#size--;
    if (this.#headIndex < head.members.length) return first;
    this.#headIndex = 0;
    if (head.next === undefined) head.members.length = 0;
    else this.#head = head.next;
    return first;
  }

  *[Symbol.iterator](): Generator<T> {
    let index = this.#headIndex;
    for (let chunk: Chunk<T> | undefined = this.#head; chunk !== undefined; chunk = chunk.next) {
      for (; index < chunk.members.length; index++) yield chunk.members[index]!;
      index = 0;
    }
  }
}
