import { performance } from "node:perf_hooks";
import type { AfterwordError } from "../../internal/afterword-error.ts";
import type { Inlet } from "./carrier.ts";

/** So often a worker looks for what no message brings. */
const sweepMs = 1_000;
/** When something has changed, it looks sooner, but not more often than so. */
const pauseMs = 100;

/** What a worker of a ledger receives through, and when it looks into the ledger by itself. */
export class Receiver {
  readonly inlet: Inlet;
  /** What is to be told of at the next occasion. */
  troubles: AfterwordError[] = [];
  #sweptAtMs = -Infinity;
  #sweepAtMs = 0;

  constructor(inlet: Inlet) {
    this.inlet = inlet;
  }

  get isSweepDue(): boolean {
    return performance.now() >= this.#sweepAtMs;
  }

  get sweepInMs(): number {
    return Math.max(0, this.#sweepAtMs - performance.now());
  }

  beginSweep(): void {
    this.#sweptAtMs = performance.now();
    // Workers that were started together do not look at the same time.
    this.#sweepAtMs = this.#sweptAtMs + sweepMs * (0.75 + Math.random() / 2);
  }

  sweepIn(ms: number): void {
    this.#sweepAtMs = Math.min(this.#sweepAtMs, performance.now() + ms);
  }

  /** Something has changed, perhaps. */
  sweepSoon(): void {
    this.#sweepAtMs = Math.min(this.#sweepAtMs, Math.max(performance.now(), this.#sweptAtMs + pauseMs));
  }
}
