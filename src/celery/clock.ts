/** The logical clock of a process among others: what it says after it has heard of something is later than that. */
export class LamportClock {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  /** The time of something that happens now. */
  forward(): number {
    return ++this.#value;
  }

  /** Takes note of the time of another's message. What is no time changes nothing. */
  receive(other: unknown): number {
    const time = typeof other === "number" && Number.isSafeInteger(other) ? other : 0;
    this.#value = Math.max(this.#value, time) + 1;
    return this.#value;
  }
}
