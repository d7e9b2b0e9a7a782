import { parseDuration, type Duration } from "../internal/duration.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { JobHandle } from "../tasks/job-handle.ts";
import type { TaskRun } from "../tasks/task.ts";
import { AddedTask, defaultSettings, type TaskContext, type TaskHandle, type TaskSettings } from "./added-task.ts";
import { assertTaskFunction, BackgroundTask, type TaskArguments } from "./background-task.ts";
import { createJob, isStorable, type PendingJob } from "./pending-job.ts";
import { runAlone } from "./run-alone.ts";

/** What {@link BackgroundTasks.with} sets for the tasks that are added through it. */
export interface TaskOptions {
  /**
   * When the task runs, by how its request ended. A request succeeds when its handler returned, whatever the status of
   * the response; it fails when something was thrown, or the input was invalid.
   *
   * @defaultValue `"success"`
   */
  readonly when?: "success" | "always" | "error";
  /**
   * How long the task may run. After that its signal aborts, its outcome is `failed` with code `timeout`, and the next
   * task starts, even if the function never settles.
   *
   * @defaultValue the app's `background.timeout`, which is none by default
   */
  readonly timeout?: Duration;
  /** The task's name in errors, events and reports. @defaultValue the function's own name */
  readonly name?: string;
}

/** What `addTask` returns: for a named task or a flow the handle of a job, for a plain function that of a task. */
export type HandleOf<R> = R extends TaskRun<infer T> ? JobHandle<T> : TaskHandle<Awaited<R>>;

/** Takes what is added to a list: counts it, refuses it, starts it. */
export interface TaskOwner extends TaskContext {
  /** Where its tasks stand. */
  readonly list: BackgroundTasks;
  /** Called before a task is added. Throws to refuse it. */
  admit(task: AddedTask): void;
  /** Called after a task was added. */
  added(task: AddedTask): void;
  /** Called after a job was added. */
  addedJob(job: PendingJob): void;
}

const whens: readonly unknown[] = ["success", "always", "error"];

/**
 * A list of tasks to run after the response, first in, first out; it is itself a task.
 *
 * Declare it as a parameter of an endpoint or a dependency and one list is made for each request, the same instance
 * everywhere in that request. What a running task adds runs too, at the end. A task that fails stops nothing.
 *
 * @example
 * ```ts
 * import { App, BackgroundTasks, path } from "afterword";
 *
 * const app = new App();
 * const sendMail = async (to: string, subject: string) => console.log(`mail to ${to}: ${subject}`);
 *
 * app.post("/users/:email", { email: path(), tasks: BackgroundTasks }, ({ email, tasks }) => {
 *   tasks.addTask(sendMail, email, "Welcome");
 *   return { message: "You will get a mail" };
 * });
 * ```
 */
export class BackgroundTasks extends BackgroundTask {
  /**
   * The tasks, in order. A plain array that may be read, reordered and cleared; what was removed before its turn does not
   * run. Tasks that have run may be taken from its front.
   */
  readonly tasks: BackgroundTask[];

  /** Who runs it; one cell for the list and all its views. */
  #cell: { owner: TaskOwner | undefined } = { owner: undefined };
  #settings: TaskSettings = defaultSettings;

  /** @throws {TypeError} when a member is not a `BackgroundTask` */
  constructor(tasks?: Iterable<BackgroundTask>) {
    super(runNothing);
    this.tasks = tasks === undefined ? [] : Array.from(tasks, assertMember);
  }

  /** The list of one request, whose tasks that request's owner counts and runs. */
  static ownedBy(owner: TaskOwner): BackgroundTasks {
    const list = new BackgroundTasks();
    list.#cell.owner = owner;
    return list;
  }

  /** A response carries this list: until {@link leave}, what is added goes to the list of its request as well. */
  join(owner: TaskOwner): void {
    this.#cell.owner ??= owner;
  }

  /** The request that this list joined has ended: it is a list of its own again, and another response may carry it. */
  leave(owner: TaskOwner): void {
    if (this.#cell.owner === owner) this.#cell.owner = undefined;
  }

  /**
   * Adds a function to run after the response, called with `args`; or a call of a named task, or a flow of them, to be
   * stored before the response leaves and run by a worker.
   *
   * Arguments are checked by the compiler against `fn`. Those of a function are held by reference, and the promise that it
   * returns is always awaited; those of a named task are JSON and are copied. An overloaded function shows only its last
   * overload here: wrap it in a lambda.
   *
   * @returns a handle with id, status, outcome and `cancel`, and for a named task `stored` and `result`; ignoring it costs nothing
   * @throws {TypeError} when `fn` is not a function
   * @throws {TooManyTasksError} when `background.maxPending` functions of the app wait already; unhandled, it is answered as
   *   503 with `Retry-After`
   * @throws {AfterwordError} when the arguments of a named task cannot be stored
   */
  addTask<A extends unknown[], R>(fn: (...args: A) => R, ...args: TaskArguments<A>): HandleOf<R> {
    assertTaskFunction(fn, "addTask(fn, ...args)");
    const { owner } = this.#cell;
    if (isStorable(fn)) {
      const job = fn[createJob](args, this.#settings, owner?.request?.id);
      this.#push(job, owner);
      owner?.addedJob(job);
      return job as unknown as HandleOf<R>;
    }
    const task = new AddedTask(fn, args, this.#settings, owner);
    owner?.admit(task);
    this.#push(task, owner);
    owner?.added(task);
    return task as unknown as HandleOf<R>;
  }

  #push(task: BackgroundTask, owner: TaskOwner | undefined): void {
    this.tasks.push(task);
    if (owner && owner.list.tasks !== this.tasks) owner.list.tasks.push(task);
  }

  /**
   * The same list with other options for what is added through it. Options not given keep their value.
   *
   * @throws {DeclarationError} for an option that is not one of {@link TaskOptions}, or has a wrong value
   *
   * @example
   * ```ts
   * import { BackgroundTasks } from "afterword";
   *
   * const tasks = new BackgroundTasks();
   * tasks.with({ when: "always", timeout: "10s" }).addTask(() => console.log("whatever happened"));
   * ```
   */
  with(options: TaskOptions): BackgroundTasks {
    const view: BackgroundTasks = new BackgroundTasks();
    (view as { tasks: BackgroundTask[] }).tasks = this.tasks;
    view.#cell = this.#cell;
    view.#settings = toSettings(options, this.#settings);
    return view;
  }

  /**
   * Runs every task now, in order, also those added while it runs. A failing task stops nothing; when all have ended,
   * rejects with its error, or with an `AggregateError` if there were several.
   *
   * Within a request there is no need to call it: the list runs by itself after the response.
   */
  override run(): Promise<void> {
    return runAlone(this);
  }
}

function runNothing(): void {}

function assertMember(task: BackgroundTask): BackgroundTask {
  if (task instanceof BackgroundTask) return task;
  throw new TypeError(`new BackgroundTasks(tasks) expects BackgroundTask members, but got ${formatValue(task)}.`);
}

function toSettings(options: TaskOptions, base: TaskSettings): TaskSettings {
  for (const key of Object.keys(options)) {
    if (key !== "when" && key !== "timeout" && key !== "name")
      throw new DeclarationError(
        `tasks.with() knows the options when, timeout and name, but got ${JSON.stringify(key)}.`,
      );
  }
  const { when = base.when, timeout, name = base.name } = options;
  if (!whens.includes(when))
    throw new DeclarationError(`when must be "success", "always" or "error", but got ${formatValue(when)}.`);
  return { when, timeoutMs: timeout === undefined ? base.timeoutMs : parseDuration(timeout, "timeout"), name };
}
