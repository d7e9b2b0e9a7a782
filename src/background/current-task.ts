import { AsyncLocalStorage } from "node:async_hooks";
import { AfterwordError } from "../internal/afterword-error.ts";
import type { TaskRequest } from "./task-request.ts";

/** The task that is running, seen from inside it. */
export interface CurrentTask {
  /** The same id as its handle's. */
  readonly id: string;
  readonly name: string;
  /** Which try this is, counted from 1. A plain function has one. */
  readonly attempt: number;
  /** Aborts when the task is canceled, times out, or the process shuts down and waits no longer. */
  readonly signal: AbortSignal;
  /** The request that added it. Plain functions only. `request.signal.aborted` says that the client had gone. */
  readonly request?: TaskRequest | undefined;
  /** Tells how far it is: `value` in any unit the reader knows, `note` in words. */
  progress(value: number, note?: string): void;
  /** Keeps a line for whoever looks at this task. */
  log(line: string): void;
}

const storage = new AsyncLocalStorage<CurrentTask>();

/**
 * The task that the caller is running in, across `await`s.
 *
 * @throws {AfterwordError} with code `no_current_task` outside any task
 *
 * @example
 * ```ts
 * import { currentTask } from "afterword";
 *
 * async function exportOrders() {
 *   const { signal, progress } = currentTask();
 *   for (let page = 0; page < 100 && !signal.aborted; page++) progress(page);
 * }
 * ```
 */
export function currentTask(): CurrentTask {
  const task = storage.getStore();
  if (task) return task;
  throw new AfterwordError(
    "no_current_task",
    "currentTask() was called outside any task. It works inside a function that was added with addTask or enqueue, and in what that function calls.",
  );
}

/** Whether the caller is running in a task. */
export function hasCurrentTask(): boolean {
  return storage.getStore() !== undefined;
}

/** Calls `fn` so that `currentTask()` inside it, also after `await`, gives `task`. */
export function runAsCurrent<A extends unknown[], R>(task: CurrentTask, fn: (...args: A) => R, ...args: A): R {
  return storage.run(task, fn, ...args);
}
