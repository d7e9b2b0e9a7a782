import { afterTurn, type Waiting } from "../../internal/turn.ts";
import type { ChangeListener } from "../../tasks/broker.ts";

/** Tells of the jobs that have changed, once for each turn of the event loop. */
export class Changes implements Waiting {
  #listeners: readonly ChangeListener[] = [];
  #ids: string[] = [];
  #isVague = false;
  #isPlanned = false;

  subscribe(listener: ChangeListener): () => void {
    // Of its own, so that whoever listens twice may end one of the two.
    const own: ChangeListener = (ids) => listener(ids);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((known) => known !== own);
    };
  }

  add(id: string): void {
    if (this.#listeners.length === 0) return;
    this.#ids.push(id);
    this.#plan();
  }

  /** Something has changed for jobs that nobody counts. */
  addAll(): void {
    this.#isVague = true;
    this.#plan();
  }

  resume(): void {
    const ids = this.#isVague ? undefined : this.#ids;
    this.#ids = [];
    this.#isVague = false;
    this.#isPlanned = false;
    for (const listener of this.#listeners) listener(ids);
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    afterTurn(this);
  }
}
