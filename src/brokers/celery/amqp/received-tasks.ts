import type { AfterwordError } from "../../../internal/afterword-error.ts";
import type { IncomingMessage, Inlet } from "../../carried/carrier.ts";
import type { BegunTask } from "../results.ts";
import type { Taken } from "../transport.ts";

/** A message that a worker has from RabbitMQ. */
export interface ReceivedTask extends Taken {
  readonly receiver: ReceivedTasks;
  readonly arrival: IncomingMessage;
  readonly task: BegunTask;
  /** Until then nobody has forgotten it. */
  leaseEndMs: number;
  /** Whether what follows from its end is sent. */
  isSent: boolean;
  /** Whether its end is stored. */
  isConcluded: boolean;
}

/** What a worker receives through, and what it has. */
export class ReceivedTasks {
  readonly inlet: Inlet;
  /** What is to be told of at the next occasion. */
  readonly troubles: AfterwordError[] = [];
  readonly #byTag = new Map<string, ReceivedTask>();

  constructor(inlet: Inlet) {
    this.inlet = inlet;
  }

  add(task: ReceivedTask): void {
    this.#byTag.set(task.tag, task);
  }

  delete({ tag }: Taken): void {
    this.#byTag.delete(tag);
  }

  /** What is behind a tag, if it still is this worker's. */
  find(tag: string): ReceivedTask | undefined {
    const task = this.#byTag.get(tag);
    return task !== undefined && this.inlet.owns(task.arrival) ? task : undefined;
  }

  all(): readonly ReceivedTask[] {
    return [...this.#byTag.values()].filter(({ arrival }) => this.inlet.owns(arrival));
  }

  /** The connection is lost: what was had is the server's again. @returns all of it */
  clear(): readonly ReceivedTask[] {
    const all = [...this.#byTag.values()];
    this.#byTag.clear();
    return all;
  }

  /** Of those whose lease is not renewed the worker knows nothing any more: their end could not be stored in time. */
  renew(tags: readonly string[], leaseMs: number): void {
    const nowMs = performance.now();
    for (const tag of tags) {
      const task = this.find(tag);
      if (task !== undefined) task.leaseEndMs = nowMs + leaseMs;
    }
    for (const task of [...this.#byTag.values()])
      // A worker may learn a little later than this that a lease was renewed.
      if (task.leaseEndMs + leaseMs / 3 < nowMs) {
        this.inlet.giveUp(task.arrival);
        this.delete(task);
      }
  }
}
