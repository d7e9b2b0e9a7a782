import { AsyncLocalStorage } from "node:async_hooks";
import { AddedTask, defaultSettings } from "./added-task.ts";
import type { Background } from "./background.ts";
import type { BackgroundTask } from "./background-task.ts";
import { BackgroundTasks, type TaskOwner } from "./background-tasks.ts";
import { CarriedList, isTaskList, ListRun, toAddedTask } from "./list-run.ts";
import type { TaskRunner } from "./run-task.ts";
import type { TaskRequest } from "./task-request.ts";

/** What happens to tasks at the end of a request. `skip` and `collect` are for tests. */
export type TaskMode = "run" | "collect" | "skip";

/** Clean-up that waits for the end of the tasks: closing a dependency, removing an upload. */
export interface Cleanup {
  readonly name: string;
  run(): unknown;
}

/**
 * The background tasks of one request, from the first `addTask` until the last clean-up.
 *
 * Life: *open* while the handler works and the response leaves; {@link end} starts the tasks; when none is left the
 * clean-up runs, then what the clean-up added; then it has *ended*, and what is added later runs at once.
 */
export class RequestTasks implements TaskOwner, TaskRunner {
  readonly list: BackgroundTasks = BackgroundTasks.ownedBy(this);
  readonly timeoutMs: number | undefined;
  readonly #background: Background;
  readonly #request: () => TaskRequest;
  readonly #mode: TaskMode;
  readonly #onAdded: ((task: AddedTask) => void) | undefined;
  readonly #cleanups: Cleanup[] = [];
  /** Why the request failed, `undefined` if it did not. */
  #failure: string | undefined;
  #run: ListRun | undefined;
  #waiting = 0;
  #state: "open" | "running" | "ended" = "open";
  #watched: Set<AddedTask> | undefined;
  #settled: PromiseWithResolvers<void> | undefined;
  /** Keeps the request's AsyncLocalStorage for its tasks. */
  #inContext: (<R>(fn: () => R) => R) | undefined;

  constructor(
    background: Background,
    request: () => TaskRequest,
    mode: TaskMode = "run",
    onAdded?: (task: AddedTask) => void,
  ) {
    this.#background = background;
    this.timeoutMs = background.config.timeoutMs;
    this.#request = request;
    this.#mode = mode;
    this.#onAdded = onAdded;
  }

  get request(): TaskRequest {
    return this.#request();
  }

  /** Whether there is anything to do at the end of the request. */
  get hasWork(): boolean {
    return this.list.tasks.length > 0 || this.#cleanups.length > 0;
  }

  // TaskOwner: what is added

  admit(): void {
    if (this.#background.isClosed) return;
    this.#background.admit();
    this.#waiting++;
    this.#background.active.add(this);
  }

  added(task: AddedTask): void {
    this.#onAdded?.(task);
    if (this.#background.isClosed) this.#end(task, "lost", "it was added after the app had closed");
    else if (this.#state === "ended") this.#start();
    else this.#run?.wake();
  }

  /**
   * Adds the task that a response carries, after those of the request. The request's own list, attached by hand, is here
   * already.
   *
   * @throws {TooManyTasksError} as `addTask` does
   */
  attach(task: BackgroundTask, when: "success" | "always" = "success"): void {
    const settings = { ...defaultSettings, when };
    let entry: AddedTask;
    if (!isTaskList(task)) entry = toAddedTask(task, settings, this);
    else if (task.tasks !== this.list.tasks) entry = new CarriedList(task, settings, this);
    else return;
    this.admit();
    this.list.tasks.push(entry);
    if (isTaskList(task)) for (const member of task.tasks) if (member instanceof AddedTask) this.#onAdded?.(member);
    this.added(entry);
  }

  /** Runs `cleanup` after the tasks, last in first out. */
  addCleanup(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup);
  }

  // The end of the request

  /** The request failed: tasks of `when: "success"` will be dropped for this reason. */
  fail(reason: string): void {
    this.#failure ??= reason;
  }

  /** Remembers the caller's AsyncLocalStorage context, which the tasks shall see. */
  keepContext(): void {
    this.#inContext = AsyncLocalStorage.snapshot();
  }

  /** The last byte has left, or the client has gone: the tasks start. Later calls do nothing. */
  end(): void {
    if (this.#state === "open") this.#start();
  }

  /** Resolves when every task and clean-up has ended. */
  get settled(): Promise<void> {
    if (this.#state === "ended") return Promise.resolve();
    return (this.#settled ??= Promise.withResolvers()).promise;
  }

  #start(): void {
    this.#state = "running";
    this.#background.active.add(this);
    if (this.#inContext) this.#inContext(() => void this.#finish());
    else void this.#finish();
  }

  async #finish(): Promise<void> {
    await this.#runTasks();
    for (let cleanup = this.#cleanups.pop(); cleanup; cleanup = this.#cleanups.pop()) await this.#cleanUp(cleanup);
    // Clean-up may have added tasks, and these are run as well.
    await this.#runTasks();
    this.#state = "ended";
    this.#background.discharge(this.#waiting);
    this.#waiting = 0;
    for (const task of this.#watched ?? [])
      if (task.isWaiting) this.#end(task, "dropped", "it was taken from the list before its turn");
    this.#background.done(this);
    this.#settled?.resolve();
  }

  async #runTasks(): Promise<void> {
    if (this.#mode === "collect") return;
    this.#run ??= new ListRun(this.list, this, this.#background.config.concurrency);
    await this.#run.run();
  }

  async #cleanUp(cleanup: Cleanup): Promise<void> {
    try {
      await cleanup.run();
    } catch (error) {
      this.#background.report(error, {
        kind: "cleanup",
        id: undefined,
        name: cleanup.name,
        args: "",
        requestId: this.request.id,
      });
    }
  }

  #end(task: AddedTask, status: "dropped" | "lost", reason: string): void {
    if (task.settle(status, reason)) this.#background.ended(task, this.#requestId);
  }

  // Shutdown

  /** Every task that waits or runs, with the lists inside the list. */
  unfinished(): AddedTask[] {
    const found: AddedTask[] = [];
    const collect = (tasks: readonly BackgroundTask[]): void => {
      for (const task of tasks) {
        if (task instanceof CarriedList) collect(task.carried.tasks);
        else if (isTaskList(task)) collect(task.tasks);
        else if (task instanceof AddedTask && (task.isWaiting || task.isRunning)) found.push(task);
      }
    };
    collect(this.list.tasks);
    return found;
  }

  /** Ends a task that the process waits for no longer. */
  lose(task: AddedTask, reason: string): void {
    const wasRunning = task.isRunning;
    if (!task.settle("lost", reason)) return;
    if (wasRunning) task.release();
    else this.#background.ended(task, this.#requestId);
  }

  // TaskRunner: what becomes of a task

  allows(task: AddedTask, isCarried: boolean): boolean {
    const { when } = task.settings;
    const reason =
      this.#mode === "skip"
        ? "tests skip tasks"
        : isCarried || when === "always" || (when === "success") === (this.#failure === undefined)
          ? undefined
          : (this.#failure ?? 'its request succeeded, and it was added with when: "error"');
    if (reason === undefined) return true;
    this.#end(task, "dropped", reason);
    return false;
  }

  started(task: AddedTask): void {
    if (this.#waiting > 0) {
      this.#waiting--;
      this.#background.discharge(1);
    }
    this.#background.started(task, this.#requestId);
  }

  waits(task: AddedTask): void {
    this.#background.waits(task);
  }

  ended(task: AddedTask): void {
    this.#background.ended(task, this.#requestId);
  }

  blocked(task: AddedTask, blockedMs: number): void {
    this.#background.blocked(task, blockedMs);
  }

  skipped(task: AddedTask): void {
    if (this.#waiting > 0) {
      this.#waiting--;
      this.#background.discharge(1);
    }
    this.#background.ended(task, this.#requestId);
  }

  watch(task: AddedTask): void {
    (this.#watched ??= new Set()).add(task);
  }

  progress(task: AddedTask, value: number, note: string | undefined): void {
    this.#background.progress(task, this.#requestId, value, note);
  }

  log(task: AddedTask, line: string): void {
    this.#background.log(task, this.#requestId, line);
  }

  readonly #requestId = (): string => this.#request().id;
}
