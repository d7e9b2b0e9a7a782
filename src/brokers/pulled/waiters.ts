/** Those who wait for something to become true, and are told when it may have. */
export class Waiters {
  #waiting: (() => void)[] = [];

  /** Resolves when `condition` is true, or when the time is over. */
  until(condition: () => boolean, withinMs?: number): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = withinMs === undefined ? undefined : setTimeout(end, withinMs);
      const check = (): void => {
        if (condition()) end();
        else this.#waiting.push(check);
      };
      this.#waiting.push(check);

      function end(): void {
        clearTimeout(timer);
        resolve();
      }
    });
  }

  tell(): void {
    if (this.#waiting.length === 0) return;
    const told = this.#waiting;
    this.#waiting = [];
    for (const check of told) check();
  }
}
