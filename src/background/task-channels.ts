import { channel, type Channel } from "node:diagnostics_channel";
import { ObservedRun } from "../internal/observed-run.ts";
import type { AddedTask, TaskHandle } from "./added-task.ts";
import type { Outcome } from "./outcome.ts";

// Asking whether anybody listens is one property read: nothing is made while nobody does.

/** A plain function was added to the list of a request. */
export const taskAdded: Channel = channel("afterword:task:added");
/** Its function is about to be called. */
export const taskStarted: Channel = channel("afterword:task:started");
/** It has its outcome. */
export const taskEnded: Channel = channel("afterword:task:ended");
/** All tasks and all clean-up of a request have ended. */
export const requestDrained: Channel = channel("afterword:request:drained");

/**
 * A background task as `afterword:task:added`, `:started` and `:ended` tell of it: one object for all of them, in which more is
 * known each time. Instants are milliseconds since the Unix epoch.
 */
export class TaskMessage extends ObservedRun {
  readonly #task: AddedTask;
  #endedMs = 0;

  constructor(task: AddedTask) {
    super();
    this.#task = task;
  }

  get id(): string {
    return this.#task.id;
  }

  get name(): string {
    return this.#task.name;
  }

  /** The id of the request that added it; `undefined` outside a request. */
  get requestId(): string | undefined {
    return this.#task.request?.id;
  }

  /** Its handle: whoever shows it may cancel it. */
  get handle(): TaskHandle {
    return this.#task;
  }

  get addedAt(): number {
    return this.#task.addedAt;
  }

  /** `undefined` if it was never started. */
  get startedAt(): number | undefined {
    const { startedMs } = this.#task;
    return startedMs > 0 ? Math.max(this.addedAt, performance.timeOrigin + startedMs) : undefined;
  }

  /** `undefined` while it has not ended. */
  get endedAt(): number | undefined {
    return this.#endedMs > 0 ? Math.max(this.addedAt, performance.timeOrigin + this.#endedMs) : undefined;
  }

  /** Milliseconds from being added until its start; `undefined` if it was never started. */
  get queuedMs(): number | undefined {
    const { startedAt } = this;
    return startedAt === undefined ? undefined : startedAt - this.addedAt;
  }

  /** Milliseconds that its function took; `undefined` if it was never started, or has not ended. */
  get durationMs(): number | undefined {
    const { startedMs } = this.#task;
    return startedMs > 0 && this.#endedMs > 0 ? this.#endedMs - startedMs : undefined;
  }

  /** `undefined` while it has not ended. */
  get outcome(): Outcome | undefined {
    return this.#task.outcome;
  }

  /** It has ended now. */
  end(): void {
    this.#endedMs = performance.now();
  }
}

/** What `afterword:request:drained` tells. */
export interface RequestMessage {
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  /** Milliseconds from the end of the response until everything had ended; `undefined` when it ended before anybody listened. */
  readonly durationMs: number | undefined;
}

/** Tells of an end: the outcome must be settled. */
export function publishEnded(task: AddedTask): void {
  if (!taskEnded.hasSubscribers) return;
  const { message } = task;
  message.end();
  taskEnded.publish(message);
}
