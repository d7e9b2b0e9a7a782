import type { AfterwordError } from "../internal/afterword-error.ts";
import type { Ending } from "./ending.ts";
import type { DeliveredJob } from "./job.ts";
import type { DeliveryMessage } from "./job-channels.ts";

/** Tells the store what a running job says of itself. */
export interface DeliveryReports {
  progress(delivery: Delivery, value: number, note: string | undefined): void;
  log(delivery: Delivery, line: string): void;
}

/**
 * One hand-over of a job to a worker, from the claim to its ending. A broker makes it and aborts it; who executes it
 * watches it.
 */
export class Delivery {
  readonly job: DeliveredJob;
  /**
   * Called once when the delivery is aborted. The code of the error says why: `canceled` (somebody asked for it),
   * `lease_lost` (the job was given to somebody else, and the ending of this delivery will be refused), `shutdown` (give
   * the job back).
   */
  onAbort: ((reason: AfterwordError) => void) | undefined = undefined;
  /** What those see of it who subscribe to its channels; `undefined` while nobody does. */
  message: DeliveryMessage | undefined = undefined;
  readonly #reports: DeliveryReports;
  #controller: AbortController | undefined = undefined;
  #reason: AfterwordError | undefined = undefined;

  constructor(job: DeliveredJob, reports: DeliveryReports) {
    this.job = job;
    this.#reports = reports;
  }

  /** Aborted together with the delivery, or by {@link abortSignal}. Made on the first use. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Why it was aborted; `undefined` if it was not. */
  get abortReason(): AfterwordError | undefined {
    return this.#reason;
  }

  /** Aborts it, once. */
  abort(reason: AfterwordError): void {
    if (this.#reason) return;
    this.abortSignal(reason);
    this.onAbort?.(reason);
  }

  /** Aborts the signal alone: a timeout, which is known to who executes it. */
  abortSignal(reason: AfterwordError): void {
    this.#reason ??= reason;
    this.#controller?.abort(reason);
  }

  /** Tells how far the job is. Stored soon, not at once, and only while the lease stands. */
  progress(value: number, note?: string): void {
    this.#reports.progress(this, value, note);
  }

  /** Keeps a line. Stored soon, in order, and only while the lease stands. */
  log(line: string): void {
    this.#reports.log(this, line);
  }
}

/** Runs one delivery to its ending. Never throws or rejects. */
export type Execute = (delivery: Delivery) => Ending | Promise<Ending>;
