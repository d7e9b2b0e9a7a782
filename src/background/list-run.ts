import { afterTurn, type Waiting } from "../internal/turn.ts";
import { AddedTask, defaultSettings, type TaskContext, type TaskSettings } from "./added-task.ts";
import { BackgroundTask } from "./background-task.ts";
import { PendingJob } from "./pending-job.ts";
import { runTask, type TaskRunner, type TaskSlot } from "./run-task.ts";

/** A task that is a list of tasks. */
export interface TaskList extends BackgroundTask {
  readonly tasks: BackgroundTask[];
}

export function isTaskList(task: BackgroundTask): task is TaskList {
  return Array.isArray((task as Partial<TaskList>).tasks);
}

/** So many tasks that have run may stand at the front of a request's own list before they are taken from it. */
const maxRunInFront = 1_024;

/**
 * Runs a list while it lives: what is added during the run is run, what is removed is not. One after the other by
 * default, and between two of them the event loop has a turn. As long as functions are synchronous and alone it makes no
 * promise, since one such task is what most requests have.
 */
export class ListRun implements Waiting, TaskSlot {
  readonly #list: TaskList;
  readonly #runner: TaskRunner;
  readonly #onIdle: () => void;
  readonly #outer: ListRun | undefined;
  #next = 0;
  #last: BackgroundTask | undefined;
  #slotsInUse = 0;
  #isStarting = false;

  /** @param onIdle - called whenever everything has run, except from within `start` */
  constructor(list: TaskList, runner: TaskRunner, onIdle: () => void, outer?: ListRun) {
    this.#list = list;
    this.#runner = runner;
    this.#onIdle = onIdle;
    this.#outer = outer;
  }

  /** Starts on what is there. `true` if all of it has run already; else `onIdle` will be called. Never throws. */
  start(): boolean {
    this.#isStarting = true;
    while (this.#slotsInUse < this.#runner.concurrency && this.#hasNext()) {
      this.#slotsInUse++;
      this.#runSlot();
    }
    this.#isStarting = false;
    return this.#slotsInUse === 0;
  }

  /** Something was added: if a slot is free it starts, after a turn of the event loop. */
  wake(): void {
    if (this.#slotsInUse >= this.#runner.concurrency || !this.#hasNext()) return;
    this.#slotsInUse++;
    afterTurn(this);
  }

  resume(): void {
    this.#runner.inContext(this.#runSlot, this);
  }

  #runSlot(): void {
    const task = this.#take();
    if (task === undefined || this.#runOne(task)) this.taskEnded();
  }

  /** A slot is free again: the next task, after a turn of the event loop. */
  taskEnded(): void {
    if (this.#hasNext()) afterTurn(this);
    else if (--this.#slotsInUse === 0 && !this.#isStarting) this.#onIdle();
  }

  /** `true` if it has ended already. */
  #runOne(task: BackgroundTask): boolean {
    if (isTaskList(task))
      return this.#isInside(task) || new ListRun(task, this.#runner, () => this.taskEnded(), this).start();
    // Stored, canceled or dropped: what becomes of it is not the list's affair.
    if (task instanceof PendingJob && !task.isPending) return true;
    return runTask(this.#toAdded(task), this.#runner, this);
  }

  /** A task that is used for many responses, or was added elsewhere, gets a run of its own. */
  #toAdded(task: BackgroundTask): AddedTask {
    if (task instanceof AddedTask && task.belongsTo(this.#runner)) return task;
    return toAddedTask(task, defaultSettings, this.#runner);
  }

  #isInside(list: TaskList): boolean {
    for (let run: ListRun | undefined = this; run; run = run.#outer) if (run.#list.tasks === list.tasks) return true;
    return false;
  }

  #hasNext(): boolean {
    const { tasks } = this.#list;
    // The array belongs to the user as well: if it was cleared or reordered, go on after the last one that ran.
    if (this.#next > 0 && tasks[this.#next - 1] !== this.#last)
      this.#next = this.#last ? tasks.lastIndexOf(this.#last) + 1 : 0;
    return this.#next < tasks.length;
  }

  #take(): BackgroundTask | undefined {
    if (!this.#hasNext()) return undefined;
    const { tasks } = this.#list;
    if (this.#next > maxRunInFront && this.#next * 2 > tasks.length && this.#list === this.#runner.list) {
      tasks.splice(0, this.#next);
      this.#next = 0;
    }
    return (this.#last = tasks[this.#next++]);
  }
}

/** A run of `task` of its own; a subclass's `run` is honored. */
export function toAddedTask(task: BackgroundTask, settings: TaskSettings, context: TaskContext): AddedTask {
  if (task.run === BackgroundTask.prototype.run) return new AddedTask(task.fn, task.args, settings, context);
  return new AddedTask(() => task.run(), [], { ...settings, name: settings.name ?? task.fn.name }, context);
}
