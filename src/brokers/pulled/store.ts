import type { AfterwordError } from "../../internal/afterword-error.ts";
import type { Broker, WorkerInfo } from "../../tasks/broker.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { DeliveredJob } from "../../tasks/job.ts";

/** A delivery as the store knows it. */
export interface Hold {
  readonly id: string;
  readonly epoch: number;
}

/** What a claim gave. */
export interface Claim {
  readonly jobs: readonly DeliveredJob[];
  /**
   * Milliseconds until something becomes claimable by time alone: a delay ends, a rate limit has room, a lease runs out.
   * `undefined` if nothing is known to.
   */
  readonly nextMs: number | undefined;
  /** What has happened that somebody must be told of, though the claim went well: a message that cannot be read. */
  readonly troubles?: readonly AfterwordError[];
}

/** What a worker learns of its deliveries. */
export interface Extension {
  /** The ids of those that are no longer its own. */
  readonly lost: readonly string[];
  /** Those that somebody wants canceled. */
  readonly canceled: readonly { readonly id: string; readonly reason: string }[];
}

/** What running jobs have said of themselves since the last report, in order. */
export interface Report extends Hold {
  readonly progress: { readonly value: number; readonly note: string | undefined } | undefined;
  readonly log: readonly string[];
}

/**
 * What an embedded broker stores its jobs in: the inner contract of the pull loop. Each call is one transaction; calls
 * that are made together may share one.
 */
export interface Store extends Omit<Broker, "name" | "supports" | "isEmbedded" | "isDurable" | "consume"> {
  /**
   * Takes up to `count` jobs that may run, by priority and then by age, each with a new epoch and a lease. First it ends
   * what has expired, makes due what was scheduled, and takes back what belongs to workers that are dead.
   */
  claim(request: {
    readonly worker: string;
    readonly queues: readonly string[];
    readonly count: number;
    readonly leaseMs: number;
    readonly maxDeliveries: number;
  }): Promise<Claim>;
  /** What the store believes to be with a worker. Asked when the answer to a claim has not come: what it gave, nobody has. */
  holds(request: { readonly worker: string }): Promise<readonly Hold[]>;
  /** A sign of life: the leases of `holds` start anew. Also how a worker becomes known and stays known. */
  extend(request: {
    readonly worker: WorkerInfo;
    readonly holds: readonly Hold[];
    readonly leaseMs: number;
  }): Promise<Extension>;
  /**
   * Stores endings, each only if its hold still stands.
   *
   * @returns for each, whether it was accepted
   */
  finish(request: { readonly endings: readonly (Hold & { readonly ending: Ending })[] }): Promise<readonly boolean[]>;
  /** Stores reports whose hold still stands. */
  report(request: { readonly reports: readonly Report[] }): Promise<void>;
  /** The worker has gone: it is no longer listed. */
  leave(request: { readonly worker: string }): Promise<void>;
}
