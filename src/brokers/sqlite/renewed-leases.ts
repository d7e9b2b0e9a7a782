import type { Hold } from "../embedded/store.ts";
import type { Core } from "./core.ts";
import { executeBatch, type Result } from "./execute-batch.ts";
import type { Operation, VerbRequest, VerbResult } from "./verbs.ts";

/** A main thread that has not been heard of for so long is given up: its jobs may go to others. */
const maxSilenceMs = 600_000;

/**
 * Renews the leases of this process's jobs while its event loop is blocked and cannot do so itself: a function that computes
 * for long does not lose its job.
 */
export class RenewedLeases {
  readonly #core: Core;
  readonly #file: string;
  readonly #epochs = new Map<string, number>();
  #leaseMs = 30_000;
  #heardMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(core: Core, file: string) {
    this.#core = core;
    this.#file = file;
  }

  /** What was done for the main thread tells which jobs it has. */
  note(operations: readonly Operation[], results: readonly Result[]): void {
    this.#heardMs = performance.now();
    operations.forEach(({ verb, request }, index) => {
      const result = results[index]!;
      if ("failure" in result) return;
      if (verb === "claim") {
        this.#leaseMs = (request as VerbRequest<"claim">).leaseMs;
        for (const { id, epoch } of (result.value as VerbResult<"claim">).rows) this.#epochs.set(id, epoch);
      } else if (verb === "finish") {
        for (const { id } of request as readonly Hold[]) this.#epochs.delete(id);
      } else if (verb === "extend") {
        for (const id of (result.value as VerbResult<"extend">).lost) this.#epochs.delete(id);
      }
    });
    if (this.#epochs.size > 0 && this.#timer === undefined) this.#plan();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #plan(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#epochs.size === 0) return;
      const silenceMs = performance.now() - this.#heardMs;
      if (silenceMs > this.#leaseMs / 3 && silenceMs < maxSilenceMs) this.#renew();
      this.#plan();
    }, this.#leaseMs / 6);
  }

  #renew(): void {
    const holds = Array.from(this.#epochs, ([id, epoch]): Hold => ({ id, epoch }));
    executeBatch(this.#core, [{ verb: "renew", request: { holds, leaseMs: this.#leaseMs } }], this.#file);
  }
}
