/** Answers that take no longer than this are as good as free. */
const freeMs = 10;
/** A pause is so many times as long as an answer took, so that an open page costs the broker next to nothing. */
const pauseFactor = 300;

/** How long to wait before one asks again by oneself. */
export class Pace {
  readonly #atLeastMs: number;
  #last: readonly number[] = [];
  #notBefore = 0;

  constructor(atLeastMs: number) {
    this.#atLeastMs = atLeastMs;
  }

  /** An answer came after so many milliseconds. The quickest of the last ones counts: the others have waited for something else. */
  took(ms: number): void {
    this.#last = [...this.#last.slice(-2), ms];
    const quickest = Math.min(...this.#last);
    this.#notBefore = performance.now() + Math.max(this.#atLeastMs, (quickest - freeMs) * pauseFactor);
  }

  /** So long from now. */
  get pauseMs(): number {
    return Math.max(50, this.#notBefore - performance.now());
  }

  /** Somebody wants to see it now. */
  skip(): void {
    this.#notBefore = 0;
  }
}
