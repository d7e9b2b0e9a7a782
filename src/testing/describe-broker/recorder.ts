import type { Delivery, Execute } from "../../tasks/delivery.ts";
import type { Ending } from "../../tasks/ending.ts";
import { succeeded } from "./endings.ts";

/** Executes deliveries and remembers them. */
export class Recorder {
  /** In the order of their start. */
  readonly deliveries: Delivery[] = [];
  /** How many run. */
  running = 0;
  /** How many have run at the same time, at most. */
  mostRunning = 0;
  readonly execute: Execute;

  constructor(run: Execute = () => succeeded()) {
    this.execute = async (delivery) => {
      this.deliveries.push(delivery);
      this.running++;
      this.mostRunning = Math.max(this.mostRunning, this.running);
      try {
        return await run(delivery);
      } finally {
        this.running--;
      }
    };
  }

  /** The ids of the jobs, in the order of their start. */
  get ids(): readonly string[] {
    return this.deliveries.map(({ job }) => job.id);
  }

  /** The arguments of the jobs, in the order of their start. */
  get args(): readonly unknown[] {
    return this.deliveries.map(({ job }) => JSON.parse(job.args) as unknown);
  }
}

/** A recorder whose jobs run until they are let go. */
export class HoldingRecorder extends Recorder {
  readonly #letGo: (ending: Ending) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    super(() => promise);
    this.#letGo = resolve;
  }

  /** All its jobs end like this, those that run and those that come. */
  letGo(ending: Ending = succeeded()): void {
    this.#letGo(ending);
  }
}
