import { within } from "./wait-until.ts";

/** Writes down what happens, in order, and tells when something has. */
export class Recorder {
  readonly events: string[] = [];
  readonly #waiting: { readonly event: string; readonly resolve: () => void }[] = [];

  add(event: string): void {
    this.events.push(event);
    for (const waiter of this.#waiting.splice(0)) {
      if (waiter.event === event) waiter.resolve();
      else this.#waiting.push(waiter);
    }
  }

  has(event: string): boolean {
    return this.events.includes(event);
  }

  count(event: string): number {
    return this.events.filter((known) => known === event).length;
  }

  /** Resolves when `event` has been recorded, at once if it was already. */
  async when(event: string, withinMs = 5_000): Promise<void> {
    if (this.has(event)) return;
    const recorded = new Promise<void>((resolve) => this.#waiting.push({ event, resolve }));
    await within(recorded, withinMs, `"${event}"; so far: ${JSON.stringify(this.events)}`);
  }
}
