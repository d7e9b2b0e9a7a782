import type { Dependencies } from "./dependencies.ts";
import { expired } from "./handout.ts";
import type { JobStates } from "./job-states.ts";

/** So many jobs whose time has come are seen to at once: a call is never slow because of all that came due before it. */
const maxAtOnce = 1_000;

/** Does what is to be done by time alone. */
export class Upkeep {
  readonly #states: JobStates;
  readonly #dependencies: Dependencies;

  constructor(states: JobStates, dependencies: Dependencies) {
    this.#states = states;
    this.#dependencies = dependencies;
  }

  run(now: number): void {
    const { waits, kept } = this.#states;
    for (let count = 0; count < maxAtOnce && waits.firstAt <= now; count++) {
      const record = waits.takeDue(now)!;
      if (record.expiryAt <= now) this.#dependencies.end(record, expired, now);
      else this.#states.queue(record);
    }
    for (let count = 0; count < maxAtOnce && kept.firstAt <= now; count++)
      this.#dependencies.forget(kept.takeDue(now)!, now);
  }
}
