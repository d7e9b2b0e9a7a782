import type { AfterwordError } from "../../internal/afterword-error.ts";
import type { WorkerInfo } from "../../tasks/broker.ts";
import type { Hold } from "../pulled/store.ts";
import type { CarriedJob } from "./carried-job.ts";
import type { IncomingMessage, Inlet } from "./carrier.ts";

/** A message whose job a worker has. */
export interface HeldMessage extends Hold {
  readonly carried: CarriedJob;
  readonly message: IncomingMessage;
  /** Until then nobody has forgotten it. */
  leaseEndMs: number;
}

/** What a worker receives through, and the messages whose jobs it has. */
export class HeldMessages {
  worker: WorkerInfo;
  readonly inlet: Inlet;
  /** What is to be told of at the next occasion. */
  troubles: AfterwordError[] = [];
  readonly #byId = new Map<string, HeldMessage>();

  constructor(worker: WorkerInfo, inlet: Inlet) {
    this.worker = worker;
    this.inlet = inlet;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** @returns the ids of those that there were */
  clear(): readonly string[] {
    const ids = [...this.#byId.keys()];
    this.#byId.clear();
    return ids;
  }

  add(held: HeldMessage): void {
    this.#byId.set(held.id, held);
  }

  /** The message behind a hold that still stands. */
  find({ id, epoch }: Hold): HeldMessage | undefined {
    const held = this.#byId.get(id);
    return held?.epoch === epoch && this.inlet.owns(held.message) ? held : undefined;
  }

  /** Another message of the same job that still stands. */
  other({ id, message }: Pick<HeldMessage, "id" | "message">): HeldMessage | undefined {
    const held = this.#byId.get(id);
    return held !== undefined && held.message !== message && this.inlet.owns(held.message) ? held : undefined;
  }

  delete({ id, epoch }: Hold): void {
    if (this.#byId.get(id)?.epoch === epoch) this.#byId.delete(id);
  }

  /** Of those whose lease is not renewed the worker knows nothing any more: their ending could not be stored in time. */
  renew(holds: readonly Hold[], leaseMs: number): void {
    const nowMs = performance.now();
    for (const hold of holds) {
      const held = this.find(hold);
      if (held !== undefined) held.leaseEndMs = nowMs + leaseMs;
    }
    for (const held of [...this.#byId.values()])
      // A worker may learn a little later than this that a lease was renewed.
      if (held.leaseEndMs + leaseMs / 3 < nowMs) {
        this.inlet.giveUp(held.message);
        this.delete(held);
      }
  }

  /** Those that still stand. */
  all(): readonly HeldMessage[] {
    return [...this.#byId.values()].filter(({ message }) => this.inlet.owns(message));
  }
}
