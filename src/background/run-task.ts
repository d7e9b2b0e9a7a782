import { isThenable } from "../internal/thenable.ts";
import type { AddedTask, TaskContext } from "./added-task.ts";
import { runAsCurrent } from "./current-task.ts";
import type { TaskList } from "./list-run.ts";
import { taskStarted } from "./task-channels.ts";

/** Runs tasks and is told what becomes of them. */
export interface TaskRunner extends TaskContext {
  /** For tasks without a timeout of their own; `undefined` is none. */
  readonly timeoutMs: number | undefined;
  /** Its own list, from which tasks that have run may be taken; others belong to somebody else. */
  readonly list: TaskList | undefined;
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

/**
 * What a task occupies while it runs. An object, and no function made for each list: V8 puts a function literal that is
 * assigned to a property of `this` into the old generation, where it kept whole requests alive until the next full
 * collection (pauses of 20 ms under load).
 */
export interface TaskSlot {
  taskEnded(): void;
}

/** From here on a task blocks the event loop for so long that other requests notice. */
export const blockedMs = 50;

/**
 * Runs one task to its outcome: whatever its function does (throws, rejects, hangs, throws `undefined`) ends here.
 *
 * @param slot - told once when it has ended, unless it has ended already on return
 * @returns whether it has ended already: its function was synchronous, or it may not start
 */
export function runTask(task: AddedTask, runner: TaskRunner, slot: TaskSlot): boolean {
  if (!task.isWaiting || !runner.allows(task) || !task.start(runner)) return true;
  task.startedMs = performance.now();
  runner.started(task);
  let result: unknown;
  let isPromise = false;
  try {
    result = runAsCurrent(task, taskStarted.hasSubscribers ? callObserved : callTask, task);
    isPromise = isThenable(result);
  } catch (error) {
    task.fail(error);
  }
  const tookMs = performance.now() - task.startedMs;
  if (tookMs > blockedMs) runner.blocked(task, tookMs);
  if (isPromise) return runToEnd(task, result as PromiseLike<unknown>, runner, slot);
  task.settle("succeeded", result);
  runner.ended(task);
  return true;
}

function callTask(task: AddedTask): unknown {
  return task.fn(...(task.args as never[]));
}

function callObserved(task: AddedTask): unknown {
  const { message } = task;
  taskStarted.publish(message);
  return message.call(() => callTask(task));
}

function runToEnd(task: AddedTask, result: PromiseLike<unknown>, runner: TaskRunner, slot: TaskSlot): boolean {
  // A synchronous part of the function may have canceled its own task.
  if (!task.isRunning) {
    Promise.resolve(result).catch(() => {});
    runner.ended(task);
    return true;
  }
  runner.waits(task);
  let hasEnded = false;
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    if (timer) clearTimeout(timer);
    runner.ended(task);
    slot.taskEnded();
  };
  task.onRelease(end);
  const timeoutMs = task.settings.timeoutMs ?? runner.timeoutMs;
  if (timeoutMs !== undefined) timer = setTimeout(() => task.expire(timeoutMs), timeoutMs);
  // Through Promise.resolve, because a foreign `then` may call back twice, or throw.
  Promise.resolve(result).then(
    (value) => {
      task.settle("succeeded", value);
      end();
    },
    (error: unknown) => {
      task.fail(error);
      end();
    },
  );
  return false;
}
