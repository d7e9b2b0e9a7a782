import type { Hold } from "../pulled/store.ts";

/** A hold, and the queue of pg-boss that its job is in: the two make up the key of the job. */
export type Located<H extends Hold = Hold> = H & { readonly name: string };

/** Where the jobs are that were claimed by this process, so that they are found by their keys. */
export class ClaimedHere {
  readonly #jobs = new Map<string, { readonly name: string; readonly epoch: number }>();

  add(claimed: readonly Located[]): void {
    for (const { id, name, epoch } of claimed) this.#jobs.set(id, { name, epoch });
  }

  /** Without those that nobody here has claimed, or that have ended. */
  locate<H extends Hold>(holds: readonly H[]): readonly Located<H>[] {
    return holds.flatMap((hold) => {
      const name = this.#jobs.get(hold.id)?.name;
      return name === undefined ? [] : [{ ...hold, name }];
    });
  }

  /** These holds are over. A job may have been claimed again since. */
  forget(holds: readonly Hold[]): void {
    for (const { id, epoch } of holds) if (this.#jobs.get(id)?.epoch === epoch) this.#jobs.delete(id);
  }

  clear(): void {
    this.#jobs.clear();
  }
}
