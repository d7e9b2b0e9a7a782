import { channel, type Channel } from "node:diagnostics_channel";
import { ObservedRun } from "../internal/observed-run.ts";
import type { StoredJob } from "./broker.ts";
import type { Delivery } from "./delivery.ts";
import type { Ending } from "./ending.ts";
import type { DeliveredJob, NewJob } from "./job.ts";

// Asking whether anybody listens is one property read: nothing is made while nobody does.

/** A named task was called with `addTask` or `enqueue`, or is due by a schedule: it is about to be stored. */
export const jobAdded: Channel = channel("afterword:job:added");
/** A batch of jobs is handed to the broker. */
export const storeStarted: Channel = channel("afterword:store:started");
/** The broker has stored it, or has not. */
export const storeEnded: Channel = channel("afterword:store:ended");
/** A worker of this process was given a job. */
export const jobClaimed: Channel = channel("afterword:job:claimed");
/** An attempt begins. */
export const jobStarted: Channel = channel("afterword:job:started");
/** It has ended here; the broker is told next. */
export const jobEnded: Channel = channel("afterword:job:ended");

/** What `afterword:job:added` tells. */
export interface JobMessage extends Pick<NewJob, "id" | "task" | "queue" | "priority" | "delayMs"> {
  /** The id of the request that added it; `undefined` outside a request. */
  readonly requestId: string | undefined;
  /** Small texts that travel with the job. Subscribers may add some while they are told: `meta.traceparent = …`. */
  readonly meta: Record<string, string>;
}

/** What `afterword:store:started` and `afterword:store:ended` tell: one object for both. */
export interface StoreMessage {
  /** The name of the broker: `"sqlite"`. */
  readonly broker: string;
  /** What is stored in one batch, in order. */
  readonly jobs: readonly NewJob[];
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** `undefined` until it has ended. */
  readonly durationMs: number | undefined;
  /** One for each job, in order; `undefined` when it failed or has not ended. */
  readonly stored: readonly StoredJob[] | undefined;
  /** Why it failed, or why it is not known whether it did. */
  readonly error: unknown;
}

/**
 * A delivery of a job as `afterword:job:claimed`, `:started` and `:ended` tell of it: one object for all of them, in which more is
 * known each time. Instants are milliseconds since the Unix epoch, by the clock of this process.
 */
export class DeliveryMessage extends ObservedRun {
  readonly job: DeliveredJob;
  /** The name of the broker: `"sqlite"`. */
  readonly broker: string;
  /** When it was claimed; when nobody listened then, its start. */
  readonly claimedAt: number;
  /** `undefined` if it was not started. */
  startedAt: number | undefined = undefined;
  /** `undefined` while it has not ended. */
  endedAt: number | undefined = undefined;
  /** How it ended; `undefined` while it has not. */
  ending: Ending | undefined = undefined;
  /** What was thrown, of endings that are failures. */
  error: unknown = undefined;

  constructor(job: DeliveredJob, broker: string) {
    super();
    this.job = job;
    this.broker = broker;
    this.claimedAt = now();
  }

  get id(): string {
    return this.job.id;
  }

  get task(): string {
    return this.job.task;
  }

  get queue(): string {
    return this.job.queue;
  }

  /** Counted from 1. */
  get attempt(): number {
    return this.job.attempt;
  }

  get attempts(): number {
    return this.job.attempts;
  }

  /** The id of the request that added it. */
  get requestId(): string | undefined {
    return this.job.meta.requestId;
  }

  /** When it was added, as its id says; `undefined` for jobs of programs that make other ids. */
  get addedAt(): number | undefined {
    return timeOf(this.job.id);
  }

  /**
   * Milliseconds from being added until its start, by the clocks of two processes. Its delay, and the attempts before this one, are in
   * it; `undefined` where {@link addedAt} or {@link startedAt} is.
   */
  get queuedMs(): number | undefined {
    const { addedAt, startedAt } = this;
    return addedAt === undefined || startedAt === undefined ? undefined : Math.max(0, startedAt - addedAt);
  }

  /** Milliseconds from its start until its end; `undefined` while it has not ended. */
  get durationMs(): number | undefined {
    const { startedAt, endedAt } = this;
    return startedAt === undefined || endedAt === undefined ? undefined : endedAt - startedAt;
  }
}

/** Jobs with room in their `meta` for what subscribers add, after these were told of them. */
export function announceJobs(jobs: readonly NewJob[]): readonly NewJob[] {
  return jobAdded.hasSubscribers ? jobs.map(announce) : jobs;
}

function announce(job: NewJob): NewJob {
  const meta = { ...job.meta };
  const { id, task, queue, priority, delayMs } = job;
  const message: JobMessage = { id, task, queue, priority, delayMs, requestId: meta.requestId, meta };
  jobAdded.publish(message);
  return { ...job, meta };
}

/** Calls `store`, and tells of its beginning and its end. */
export async function observeStore(
  broker: string,
  jobs: readonly NewJob[],
  store: () => Promise<readonly StoredJob[]>,
): Promise<readonly StoredJob[]> {
  const startedAt = now();
  const message: { -readonly [K in keyof StoreMessage]: StoreMessage[K] } = {
    broker,
    jobs,
    startedAt,
    durationMs: undefined,
    stored: undefined,
    error: undefined,
  };
  storeStarted.publish(message);
  try {
    return (message.stored = await store());
  } catch (error) {
    message.error = error;
    throw error;
  } finally {
    message.durationMs = now() - startedAt;
    storeEnded.publish(message);
  }
}

/** Whether somebody wants to know of attempts. */
export function isRunObserved(): boolean {
  return jobStarted.hasSubscribers || jobEnded.hasSubscribers;
}

/** Whether somebody wants to know of storing. */
export function isStoreObserved(): boolean {
  return storeStarted.hasSubscribers || storeEnded.hasSubscribers;
}

export function publishClaimed(delivery: Delivery, broker: string): void {
  jobClaimed.publish(messageOf(delivery, broker));
}

export function publishStarted(delivery: Delivery, broker: string): void {
  const message = messageOf(delivery, broker);
  message.startedAt = now();
  jobStarted.publish(message);
}

export function publishEnded(delivery: Delivery, broker: string, ending: Ending, error: unknown): void {
  const message = messageOf(delivery, broker);
  message.endedAt = now();
  message.ending = ending;
  message.error = error;
  jobEnded.publish(message);
}

function messageOf(delivery: Delivery, broker: string): DeliveryMessage {
  return (delivery.message ??= new DeliveryMessage(delivery.job, broker));
}

/** By a clock that goes forward only, with fractions. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** The milliseconds in a UUID version 7 (RFC 9562, section 5.7). */
function timeOf(id: string): number | undefined {
  if (id.length !== 36 || id[14] !== "7") return undefined;
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return Number.isNaN(ms) ? undefined : ms;
}
