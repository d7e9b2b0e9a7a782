import { turn } from "../internal/turn.ts";
import { AddedTask, defaultSettings, type TaskContext, type TaskSettings } from "./added-task.ts";
import { BackgroundTask } from "./background-task.ts";
import { runTask, type TaskRunner } from "./run-task.ts";

/** A task that is a list of tasks. */
export interface TaskList extends BackgroundTask {
  readonly tasks: BackgroundTask[];
}

export function isTaskList(task: BackgroundTask): task is TaskList {
  return Array.isArray((task as Partial<TaskList>).tasks);
}

/** A list that a response carries: it stands in the request's own list as one task. */
export class CarriedList extends AddedTask {
  readonly carried: TaskList;

  constructor(carried: TaskList, settings: TaskSettings, context: TaskContext) {
    super(carried.fn, [], settings, context);
    this.carried = carried;
  }
}

/** So many tasks that have run may stand at the front of a list before they are taken from it. */
const maxRunInFront = 1_024;

/**
 * Runs a list while it lives: what is added during the run is run, what is removed is not. One after the other by
 * default, and between two of them the event loop has a turn.
 */
export class ListRun {
  readonly #list: TaskList;
  readonly #runner: TaskRunner;
  readonly #concurrency: number;
  readonly #isCarried: boolean;
  readonly #outer: ListRun | undefined;
  #next = 0;
  #last: BackgroundTask | undefined;
  #loops = 0;
  #ended: PromiseWithResolvers<void> | undefined;

  constructor(list: TaskList, runner: TaskRunner, concurrency = 1, isCarried = false, outer?: ListRun) {
    this.#list = list;
    this.#runner = runner;
    this.#concurrency = concurrency;
    this.#isCarried = isCarried;
    this.#outer = outer;
  }

  /** Runs until the list is empty. Never rejects. May be called again when more was added. */
  async run(): Promise<void> {
    while (this.#loops > 0 || this.#hasNext()) {
      this.#ended = Promise.withResolvers();
      this.wake();
      await this.#ended.promise;
    }
  }

  /** Something was added: start on it if a slot of this list is free. */
  wake(): void {
    while (this.#loops < this.#concurrency && this.#hasNext()) {
      this.#loops++;
      void this.#loop();
    }
  }

  async #loop(): Promise<void> {
    let hasRun = false;
    for (let task = this.#take(); task; task = this.#take()) {
      if (hasRun) await turn();
      const running = this.#runOne(task);
      if (running) await running;
      hasRun = true;
    }
    if (--this.#loops === 0) this.#ended?.resolve();
  }

  #runOne(task: BackgroundTask): Promise<void> | undefined {
    if (task instanceof CarriedList) {
      if (!task.isWaiting || !this.#runner.allows(task, this.#isCarried) || !task.start(this.#runner)) return undefined;
      return this.#runInner(task.carried, true)?.then(() => void task.settle("succeeded", undefined));
    }
    if (isTaskList(task)) return this.#runInner(task, this.#isCarried);
    return runTask(this.#toAdded(task), this.#runner, this.#isCarried);
  }

  #runInner(list: TaskList, isCarried: boolean): Promise<void> | undefined {
    if (this.#isInside(list)) return undefined;
    return new ListRun(list, this.#runner, this.#concurrency, isCarried, this).run();
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
    if (this.#next > maxRunInFront && this.#next * 2 > tasks.length) {
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
