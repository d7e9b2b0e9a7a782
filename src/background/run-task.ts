import { isThenable } from "../internal/thenable.ts";
import type { AddedTask, TaskContext } from "./added-task.ts";
import { runAsCurrent } from "./current-task.ts";

/** Runs tasks and is told what becomes of them. */
export interface TaskRunner extends TaskContext {
  /** For tasks without a timeout of their own; `undefined` is none. */
  readonly timeoutMs: number | undefined;
  /** How many tasks of a list may run at the same time. */
  readonly concurrency: number;
  /** Calls `fn` in the AsyncLocalStorage context of the tasks. */
  inContext<T>(fn: (this: T) => void, self: T): void;
  /** Whether a waiting task may start; if not, it was given its outcome. */
  allows(task: AddedTask): boolean;
  started(task: AddedTask): void;
  /** Its function returned a promise: from now on it runs beside others. */
  waits(task: AddedTask): void;
  /** Called once for each started task, with its outcome settled. Never throws. */
  ended(task: AddedTask): void;
  /** The function held the event loop for this long. */
  blocked(task: AddedTask, blockedMs: number): void;
}

/** From here on a task blocks the event loop for so long that other requests notice. */
export const blockedMs = 50;

/**
 * Runs one task to its outcome: whatever its function does (throws, rejects, hangs, throws `undefined`) ends here.
 *
 * @returns a promise only if the function returned one; it never rejects
 */
export function runTask(task: AddedTask, runner: TaskRunner): Promise<void> | undefined {
  if (!task.isWaiting || !runner.allows(task) || !task.start(runner)) return undefined;
  task.startedMs = performance.now();
  runner.started(task);
  let result: unknown;
  let isPromise = false;
  try {
    result = runAsCurrent(task, callTask, task);
    isPromise = isThenable(result);
  } catch (error) {
    task.fail(error);
  }
  const tookMs = performance.now() - task.startedMs;
  if (tookMs > blockedMs) runner.blocked(task, tookMs);
  if (isPromise) return runToEnd(task, result as PromiseLike<unknown>, runner);
  task.settle("succeeded", result);
  runner.ended(task);
  return undefined;
}

function callTask(task: AddedTask): unknown {
  return task.fn(...(task.args as never[]));
}

function runToEnd(task: AddedTask, promise: PromiseLike<unknown>, runner: TaskRunner): Promise<void> {
  return new Promise((resolve) => {
    let hasEnded = false;
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      if (hasEnded) return;
      hasEnded = true;
      clearTimeout(timer);
      runner.ended(task);
      resolve();
    };
    task.onRelease(end);
    runner.waits(task);
    const timeoutMs = task.settings.timeoutMs ?? runner.timeoutMs;
    if (timeoutMs !== undefined) timer = setTimeout(() => task.expire(timeoutMs), timeoutMs);
    // Through Promise.resolve, because a foreign `then` may call back twice, or throw.
    Promise.resolve(promise).then(
      (value) => {
        task.settle("succeeded", value);
        end();
      },
      (error: unknown) => {
        task.fail(error);
        end();
      },
    );
    // A synchronous part of the function may have canceled its own task.
    if (!task.isRunning) end();
  });
}
