/** Something that runs, as those see it who observe it through `node:diagnostics_channel`. */
export class ObservedRun {
  #around: ((call: () => unknown) => unknown) | undefined = undefined;

  /**
   * Has the function called inside `around`, which must call `call` once, at once, and return what it returns. To be called
   * while the start is published. Those who come first are innermost.
   */
  wrap(around: (call: () => unknown) => unknown): void {
    const inner = this.#around;
    this.#around = inner === undefined ? around : (call) => around(() => inner(call));
  }

  /** Calls the function inside all that was given to {@link wrap}. */
  call(fn: () => unknown): unknown {
    return this.#around === undefined ? fn() : this.#around(fn);
  }
}
