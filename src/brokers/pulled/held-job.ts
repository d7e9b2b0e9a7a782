import { Delivery, type DeliveryReports } from "../../tasks/delivery.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { DeliveredJob } from "../../tasks/job.ts";
import type { Hold } from "./store.ts";

/** A job that this worker has: it waits for its turn, runs, or its ending is not stored yet. */
export class HeldJob extends Delivery implements Hold {
  readonly id: string;
  readonly epoch: number;
  /** `undefined` while it runs. */
  ending: Ending | undefined = undefined;
  /** Whether the store has told of its end. */
  isTold = false;
  /** When its lease has surely run out, unless it is renewed: by `performance.now()`. */
  leaseEndMs: number;

  constructor(job: DeliveredJob, reports: DeliveryReports, leaseEndMs: number) {
    super(job, reports);
    this.id = job.id;
    this.epoch = job.epoch;
    this.leaseEndMs = leaseEndMs;
  }
}
