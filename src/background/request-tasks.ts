import { AsyncResource } from "node:async_hooks";
import type { Active } from "./active-requests.ts";
import { AddedTask, defaultSettings } from "./added-task.ts";
import type { Background } from "./background.ts";
import { BackgroundTask } from "./background-task.ts";
import { BackgroundTasks, type TaskOwner } from "./background-tasks.ts";
import { isTaskList, ListRun, toAddedTask } from "./list-run.ts";
import { createJob, isStorable, PendingJob } from "./pending-job.ts";
import { RequestJobs } from "./request-jobs.ts";
import type { TaskRunner } from "./run-task.ts";
import { requestDrained, taskAdded, type RequestMessage } from "./task-channels.ts";
import type { TaskRequest } from "./task-request.ts";

/** Nobody listens to the destruction of the resource, and announcing it would cost more than the resource. */
const manualDestroy = { requireManualDestroy: true };

/** What happens to tasks at the end of a request. `skip` and `collect` are for tests. */
export type TaskMode = "run" | "collect" | "skip";

/** Where tasks come from: asked for only when somebody wants to know. */
export interface TaskOrigin {
  readonly taskRequest: TaskRequest;
}

/** Told of each task and job that is added to a request. */
export interface AddedListener {
  added(task: AddedTask | PendingJob): void;
}

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
export class RequestTasks implements TaskOwner, TaskRunner, Active {
  activeIndex = -1;
  readonly list: BackgroundTasks = BackgroundTasks.ownedBy(this);
  readonly #background: Background;
  readonly #origin: TaskOrigin;
  readonly mode: TaskMode;
  readonly #listener: AddedListener | undefined;
  #cleanups: Cleanup[] | undefined;
  /** The lists that responses of this request carry. */
  #joined: BackgroundTasks[] | undefined;
  #failure: string | undefined;
  #run: ListRun | undefined;
  /** Why nothing starts any more, once the process shuts down and waits no longer. */
  #lostReason: string | undefined;
  /** Those whose functions have returned a promise. */
  #running: AddedTask[] | undefined;
  #waiting = 0;
  /** `undefined` while none was added. */
  #jobs: RequestJobs | undefined = undefined;
  /** Whether the response leaves: what is added now is stored at once. */
  #isLeaving = false;
  #state: "open" | "running" | "ended" = "open";
  #watched: Set<AddedTask> | undefined;
  /** When the response had left, by `performance.now()`; 0 while nobody wants to know. */
  #leftMs = 0;
  #settled: PromiseWithResolvers<void> | undefined;
  /** Keeps the request's AsyncLocalStorage. */
  #context: AsyncResource | undefined;

  constructor(background: Background, origin: TaskOrigin, mode: TaskMode = "run", listener?: AddedListener) {
    this.#background = background;
    this.#origin = origin;
    this.mode = mode;
    this.#listener = listener;
  }

  /** Why the request failed, `undefined` if it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  get timeoutMs(): number | undefined {
    return this.#background.config.timeoutMs;
  }

  get concurrency(): number {
    return this.#background.config.concurrency;
  }

  get request(): TaskRequest {
    return this.#origin.taskRequest;
  }

  /** The tasks whose functions have returned a promise that has not settled. */
  get running(): Iterable<AddedTask> {
    return this.#running ?? [];
  }

  // TaskOwner: what is added

  admit(): void {
    if (this.#background.isClosed) return;
    this.#background.admit();
    this.#waiting++;
    this.#background.active.add(this);
  }

  added(task: AddedTask): void {
    this.#listener?.added(task);
    if (taskAdded.hasSubscribers) this.#publishAdded(task);
    if (this.#background.isClosed) this.#end(task, "lost", "it was added after the app had closed");
    else if (this.#state === "ended") this.#start();
    else this.#run?.wake();
  }

  #publishAdded(task: AddedTask): void {
    // Whoever is told that it was added is told of its end as well, also when it is taken from the list.
    if (this.mode !== "collect") this.watch(task);
    taskAdded.publish(task.message);
  }

  addedJob(job: PendingJob): void {
    this.#listener?.added(job);
    if (this.#jobs === undefined) {
      this.#jobs = new RequestJobs(this.#background, this);
      if (this.#isLeaving) this.#jobs.leave();
    }
    this.#jobs.add(job);
  }

  /**
   * Adds what a response carries, after the tasks of the request; the members of a list one by one. The request's own
   * list, attached by hand, is here already.
   *
   * @throws {TooManyTasksError} as `addTask` does
   */
  attach(task: BackgroundTask, when: "success" | "always" = "success", within: readonly BackgroundTask[] = []): void {
    if (!isTaskList(task)) return this.#take(task, when);
    if (task.tasks === this.list.tasks || within.includes(task)) return;
    for (const member of [...task.tasks]) this.attach(member, when, [...within, task]);
    if (!(task instanceof BackgroundTasks)) return;
    task.join(this);
    (this.#joined ??= []).push(task);
  }

  #take(task: BackgroundTask, when: "success" | "always"): void {
    if (task instanceof PendingJob) return this.#takeJob(task);
    if (isStorable(task.fn) && task.run === BackgroundTask.prototype.run)
      return this.#takeJob(task.fn[createJob](task.args, { ...defaultSettings, when }, this.request.id));
    if (task instanceof AddedTask && (task.isCanceled || (!task.isFree && task.belongsTo(this)))) return;
    this.admit();
    let entry: AddedTask;
    if (task instanceof AddedTask && task.isFree) {
      entry = task;
      entry.join(this, when);
    } else entry = toAddedTask(task, { ...defaultSettings, when }, this);
    this.list.tasks.push(entry);
    this.added(entry);
  }

  #takeJob(job: PendingJob): void {
    if (!job.isPending || this.#jobs?.has(job)) return;
    this.list.tasks.push(job);
    this.addedJob(job);
  }

  // Jobs: stored before the response leaves

  /**
   * Stores the jobs that were added, in one batch. To be awaited before the response leaves; `undefined` when there are none.
   *
   * @throws {AfterwordError} when they were not stored, or it is not known whether they were
   */
  storeJobs(): Promise<void> | undefined {
    return this.#jobs?.store();
  }

  /** Runs `cleanup` after the tasks, last in first out. */
  addCleanup(cleanup: Cleanup): void {
    (this.#cleanups ??= []).push(cleanup);
  }

  // The end of the request

  /** The request failed: tasks of `when: "success"` will be dropped for this reason. */
  fail(reason: string): void {
    this.#failure ??= reason;
  }

  /** The response is decided. To be called where the request's AsyncLocalStorage is in force: its tasks will see it. */
  prepare(): void {
    this.#context ??= new AsyncResource("AfterwordTasks", manualDestroy);
  }

  /** The tasks will see the AsyncLocalStorage of now: where nobody can say when a handler has ended, that of the last `addTask`. */
  followContext(): void {
    if (this.#state === "open") this.#context = new AsyncResource("AfterwordTasks", manualDestroy);
  }

  /** The response leaves: jobs that were not stored by now never will be, and those to come are stored at once. */
  leave(): void {
    if (this.#jobs) this.#jobs.leave();
    else this.#isLeaving = true;
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
    if (requestDrained.hasSubscribers) this.#leftMs = performance.now();
    this.#state = "running";
    this.#background.active.add(this);
    this.inContext(this.#proceed, this);
  }

  inContext<T>(fn: (this: T) => void, self: T): void {
    if (this.#context) this.#context.runInAsyncScope(fn, self);
    else fn.call(self);
  }

  /** Tasks first, then the last clean-up, then what that added, and so on until nothing is left. */
  #proceed(): void {
    if (this.mode !== "collect") {
      this.#run ??= new ListRun(this.list, this, () => this.#proceed());
      if (!this.#run.start()) return;
    }
    const cleanup = this.#cleanups?.pop();
    if (cleanup) void this.#cleanUp(cleanup).then(() => this.#proceed());
    else this.#settle();
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

  #settle(): void {
    this.#state = "ended";
    if (this.#waiting > 0) this.#background.discharge(this.#waiting);
    this.#waiting = 0;
    if (this.#watched) {
      for (const task of this.#watched)
        if (task.isWaiting) this.#end(task, "dropped", "it was taken from the list before its turn");
    }
    for (const list of this.#joined ?? []) list.leave(this);
    this.#joined = undefined;
    this.#background.done(this);
    if (requestDrained.hasSubscribers && this.list.tasks.length > 0) requestDrained.publish(this.#toMessage());
    this.#settled?.resolve();
  }

  #toMessage(): RequestMessage {
    const { id, method, url } = this.request;
    const durationMs = this.#leftMs > 0 ? performance.now() - this.#leftMs : undefined;
    return { requestId: id, method, url, durationMs };
  }

  #end(task: AddedTask, status: "dropped" | "lost", reason: string): void {
    if (task.settle(status, reason)) this.#background.ended(task, this);
  }

  // Shutdown

  /** The process waits no longer: nothing starts any more, and what runs is told by its signal. */
  giveUp(reason: string): void {
    this.#lostReason = reason;
    for (const task of this.#running ?? []) task.giveUp(reason);
    this.end();
  }

  /** What was told and still runs is lost. */
  abandon(): void {
    for (const task of [...(this.#running ?? [])]) if (task.settle("lost", this.#lostReason)) task.release();
  }

  // TaskRunner: what becomes of a task

  allows(task: AddedTask): boolean {
    if (this.#lostReason !== undefined) this.#end(task, "lost", this.#lostReason);
    else if (this.mode === "skip") this.#end(task, "dropped", "tests skip tasks");
    else {
      const { when } = task.settings;
      if (when === "always" || (when === "success") === (this.#failure === undefined)) return true;
      this.#end(task, "dropped", this.#failure ?? 'its request succeeded, and it was added with when: "error"');
    }
    return false;
  }

  started(task: AddedTask): void {
    if (this.#waiting > 0) {
      this.#waiting--;
      this.#background.discharge(1);
    }
    this.#background.started(task, this);
  }

  waits(task: AddedTask): void {
    (this.#running ??= []).push(task);
    this.#background.waits();
  }

  ended(task: AddedTask): void {
    this.#watched?.delete(task);
    const index = this.#running?.indexOf(task) ?? -1;
    if (index >= 0) {
      this.#background.waited();
      this.#running!.splice(index, 1);
    }
    this.#background.ended(task, this);
  }

  blocked(task: AddedTask, blockedMs: number): void {
    this.#background.blocked(task, blockedMs);
  }

  skipped(task: AddedTask): void {
    this.#watched?.delete(task);
    if (this.#waiting > 0) {
      this.#waiting--;
      this.#background.discharge(1);
    }
    this.#background.ended(task, this);
  }

  watch(task: AddedTask): void {
    (this.#watched ??= new Set()).add(task);
  }

  progress(task: AddedTask, value: number, note: string | undefined): void {
    this.#background.progress(task, this, value, note);
  }

  log(task: AddedTask, line: string): void {
    this.#background.log(task, this, line);
  }
}
