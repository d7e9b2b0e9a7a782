import type { TaskSettings } from "./added-task.ts";
import { BackgroundTask } from "./background-task.ts";
import type { Outcome } from "./outcome.ts";

/**
 * A named task in a list. It is not run with the list but stored: together with the others of its request, before the
 * response leaves.
 */
export abstract class PendingJob extends BackgroundTask {
  abstract readonly id: string;
  abstract readonly name: string;
  abstract readonly settings: TaskSettings;
  readonly addedAt: number = Date.now();
  /** Whether it is still to be stored: it was neither stored, nor canceled, nor dropped. */
  abstract readonly isPending: boolean;
  /** How it ended, as far as this handle was told. */
  abstract readonly outcome: Outcome | undefined;
  /** Ends it as dropped, without ever having been stored. */
  abstract drop(reason: string): void;
}

/** Where jobs are stored. */
export interface JobStore {
  /**
   * Stores jobs in one batch. Resolves when they are as durable as they will ever be.
   * Rejects when they were not stored, or it is not known whether they were; their handles have been told
   */
  store(jobs: readonly PendingJob[]): Promise<void>;
}

/** The key of the method that makes a job of what was given to `addTask`. */
export const createJob: unique symbol = Symbol("afterword.createJob");

/** What is stored instead of being run in place: a named task, or a flow of them. */
export interface Storable {
  /** Throws when the arguments cannot be stored. */
  readonly [createJob]: (args: readonly unknown[], settings: TaskSettings, requestId: string | undefined) => PendingJob;
}

/** Whether a value is stored instead of being run in place. */
export function isStorable(value: unknown): value is Storable {
  return typeof (value as Partial<Storable>)[createJob] === "function";
}
