import { DeclarationError } from "../internal/afterword-error.ts";
import type { AnyTask } from "./task.ts";

interface Entry {
  readonly task: AnyTask;
  /** The file that defined it; `undefined` if that cannot be known. */
  readonly file: string | undefined;
}

const tasks = new Map<string, Entry>();

/**
 * Makes a task known by its name.
 *
 * @param file - where it was defined: the same file again, loaded anew, replaces it
 * @throws {DeclarationError} when another file has defined a task of this name
 */
export function register(task: AnyTask, file: string | undefined): void {
  const known = tasks.get(task.name);
  if (known && known.file !== file && known.file !== undefined && file !== undefined)
    throw new DeclarationError(
      `Two tasks are called "${task.name}": one is defined in ${known.file}, another in ${file}. The name is what a worker finds the function by, so give one of them another name.`,
    );
  tasks.set(task.name, { task, file });
}

/** The task of a name; `undefined` if this process knows none. */
export function findTask(name: string): AnyTask | undefined {
  return tasks.get(name)?.task;
}

/** All tasks that this process knows. */
export function allTasks(): AnyTask[] {
  return Array.from(tasks.values(), ({ task }) => task);
}

/** Where Next writes what it has bundled: one module may stand in several files there. */
const bundles = /[\\/]\.next[\\/]|[\\/]server[\\/]chunks[\\/]/;

/**
 * The file from which `callee` was called, without what a reload adds to its URL; `undefined` if that says nothing of the module
 * that was written.
 */
export function callerFile(callee: (...args: never[]) => unknown): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, callee);
  Error.stackTraceLimit = stackTraceLimit;
  const frame = trace.stack?.split("\n")[1];
  return frame === undefined || bundles.test(frame)
    ? undefined
    : /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:[\\/]).+?)(?:\?[^:)]*)?(?::\d+)?(?::\d+)?\)?$/.exec(frame)?.[1];
}
