import type { Hold } from "../pulled/store.ts";
import type { Result } from "./execute-batch.ts";
import type { Operation, VerbRequest, VerbResult } from "./verbs.ts";
import type { Writer } from "./writer.ts";

/** A main thread that has not been heard of for so long is given up: its jobs may go to others. */
export const maxSilenceMs = 600_000;

interface RenewedLease extends Hold {
  readonly worker: string;
  readonly leaseMs: number;
}

/**
 * Renews the leases of this process's jobs while its event loop is blocked and cannot do so itself: a function that computes
 * for long does not lose its job.
 */
export class RenewedLeases {
  readonly #writer: Writer;
  readonly #leases = new Map<string, RenewedLease>();
  #leaseMs = Infinity;
  #heardMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  /** What was done for the main thread tells which jobs it has. */
  note(operations: readonly Operation[], results: readonly Result[]): void {
    this.#heardMs = performance.now();
    operations.forEach((operation, index) => this.#noteOne(operation, results[index]!));
    if (this.#leases.size > 0 && this.#timer === undefined) this.#plan();
  }

  #noteOne({ verb, request }: Operation, result: Result): void {
    // A worker that has gone gives no more signs of life, even if its jobs could not be given back: others shall have them.
    if (verb === "leave") this.#leave(request as VerbRequest<"leave">);
    if ("failure" in result) return;
    if (verb === "claim") {
      const { worker, leaseMs } = request as VerbRequest<"claim">;
      const { rows } = result.value as VerbResult<"claim">;
      if (this.#leases.size === 0) this.#leaseMs = leaseMs;
      if (rows.length > 0) this.#leaseMs = Math.min(this.#leaseMs, leaseMs);
      for (const row of rows) this.#leases.set(row[0], { id: row[0], epoch: row[8], worker, leaseMs });
    } else if (verb === "finish") {
      const { succeeded, others } = request as VerbRequest<"finish">;
      for (let at = 0; at < succeeded.length; at += 3) this.#leases.delete(succeeded[at] as string);
      for (const { id } of others) this.#leases.delete(id);
    } else if (verb === "extend") {
      for (const id of (result.value as VerbResult<"extend">).lost) this.#leases.delete(id);
    }
  }

  #leave(worker: string): void {
    for (const lease of this.#leases.values()) if (lease.worker === worker) this.#leases.delete(lease.id);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #plan(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#leases.size === 0) return;
      const silenceMs = performance.now() - this.#heardMs;
      if (silenceMs > this.#leaseMs / 3 && silenceMs < maxSilenceMs)
        this.#writer.execute([{ verb: "renew", request: [...this.#leases.values()] }], false);
      this.#plan();
    }, this.#leaseMs / 6);
  }
}
