const firstMs = 50;
const maxMs = 1_500;

/** What goes wrong between a worker and its store: told once until it is over, and how long to wait before the next try. */
export class Trouble {
  readonly #onError: (error: unknown) => void;
  readonly #waits = new Map<string, number>();

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  tell(error: unknown): void {
    try {
      this.#onError(error);
    } catch {
      // Whoever listens has trouble of its own, which must not end the consuming.
    }
  }

  /**
   * @param what - its kind: each is told once
   * @returns how long to wait, in milliseconds: longer each time, and never the same for all
   */
  met(what: string, error: unknown): number {
    const lastMs = this.#waits.get(what);
    if (lastMs === undefined) this.tell(error);
    const waitMs = lastMs === undefined ? firstMs : Math.min(maxMs, lastMs * 2);
    this.#waits.set(what, waitMs);
    return waitMs * (0.75 + Math.random() / 2);
  }

  over(what: string): void {
    if (this.#waits.size > 0) this.#waits.delete(what);
  }
}
