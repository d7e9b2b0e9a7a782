import type { Ending } from "../../tasks/ending.ts";
import type { Dependencies } from "./dependencies.ts";
import type { JobRecord } from "./job-record.ts";
import type { JobStates } from "./job-states.ts";

/** Does with a running job what its ending says. */
export class Finishing {
  readonly #states: JobStates;
  readonly #dependencies: Dependencies;

  constructor(states: JobStates, dependencies: Dependencies) {
    this.#states = states;
    this.#dependencies = dependencies;
  }

  finish(record: JobRecord, ending: Ending, now: number): void {
    switch (ending.status) {
      case "succeeded":
      case "canceled":
        return this.#dependencies.end(record, ending, now);
      case "failed":
        record.addFailure(ending.error, now);
        return this.#dependencies.end(record, ending, now);
      case "retry":
        record.addFailure(ending.error, now);
        if (this.#isUnwanted(record, now)) return;
        record.deliveries = 0;
        return this.#states.ready(record, now + ending.delayMs, now);
      case "released":
        if (this.#isUnwanted(record, now)) return;
        if (--record.deliveries === 0) record.attempt--;
        return this.#states.queue(record);
    }
  }

  /** Somebody wants it canceled: it does not run again. */
  #isUnwanted(record: JobRecord, now: number): boolean {
    if (record.reason === undefined) return false;
    this.#dependencies.end(record, { status: "canceled" }, now);
    return true;
  }
}
