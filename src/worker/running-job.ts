import type { CurrentTask } from "../background/current-task.ts";
import { formatValue } from "../internal/format-value.ts";
import type { Delivery } from "../tasks/delivery.ts";

/** What `currentTask()` gives inside a job. */
export class RunningJob implements CurrentTask {
  readonly #delivery: Delivery;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
  }

  get id(): string {
    return this.#delivery.job.id;
  }

  get name(): string {
    return this.#delivery.job.task;
  }

  get attempt(): number {
    return this.#delivery.job.attempt;
  }

  get signal(): AbortSignal {
    return this.#delivery.signal;
  }

  // Made on demand, so that they can be taken out of the object.
  get progress(): (value: number, note?: string) => void {
    return (value, note) => {
      if (!Number.isFinite(value))
        throw new TypeError(`progress(value, note) expects a finite number first, but got ${formatValue(value)}.`);
      this.#delivery.progress(value, note === undefined ? undefined : String(note));
    };
  }

  get log(): (line: string) => void {
    return (line) => this.#delivery.log(String(line));
  }
}
