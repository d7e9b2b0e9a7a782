import { AfterwordError } from "../internal/afterword-error.ts";
import { hasCurrentTask } from "./current-task.ts";

/** What must be open in a thread before a task with dependencies runs there: the lifespan of an app. */
export interface ThreadResource {
  open(): Promise<void>;
  close(): Promise<void>;
}

let isThread = false;
const resources: ThreadResource[] = [];

/** From now on this thread is one that runs tasks. */
export function becomeTaskThread(): void {
  isThread = true;
}

/** Makes a resource known to the thread, if this is one that runs tasks. */
export function addThreadResource(resource: ThreadResource): void {
  if (isThread) resources.push(resource);
}

/** The resources of this thread, in the order in which they were made. */
export function threadResources(): readonly ThreadResource[] {
  return resources;
}

/**
 * A thread imports a task's module to run the task. Such a module may be that of the whole program: what it starts at its top level
 * must not be started again in each thread. Inside a task it may.
 *
 * @param what - what was called: `"app.listen()"`
 * @throws {AfterwordError} with code `not_in_thread`
 */
export function assertNotInTaskThread(what: string): void {
  if (!isThread || hasCurrentTask()) return;
  throw new AfterwordError(
    "not_in_thread",
    `${what} was called while a worker thread imported the module of a task. Define the task in a module of its own, which starts nothing when it is imported, or start it only if isMainThread of node:worker_threads is true.`,
  );
}
