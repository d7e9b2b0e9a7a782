import { EventEmitter } from "node:events";
import { formatValue } from "../internal/format-value.ts";
import { ActiveRequests } from "./active-requests.ts";
import type { AddedTask } from "./added-task.ts";
import type { BackgroundEvents, TaskEvent, TaskReport } from "./background-events.ts";
import { toBackgroundConfig, type BackgroundConfig, type BackgroundOptions } from "./background-options.ts";
import { BlockedWarning } from "./blocked-warning.ts";
import type { LostTask } from "./close-report.ts";
import { logReport } from "./log-report.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import { Log } from "../internal/log.ts";
import { LoopWatch } from "./loop-watch.ts";
import type { JobStore, PendingJob } from "./pending-job.ts";
import type { RequestTasks } from "./request-tasks.ts";
import { publishEnded } from "./task-channels.ts";
import { TooManyTasksError } from "./too-many-tasks-error.ts";

/**
 * The background tasks of one app: how many wait, which requests have some, and what becomes of them. `app.background`.
 *
 * @example
 * ```ts
 * import { App } from "afterword";
 *
 * const app = new App();
 * app.background.on("failed", ({ name, error }) => console.error(name, error));
 * ```
 */
export class Background extends EventEmitter<BackgroundEvents> {
  readonly config: BackgroundConfig;
  /** Where the app writes what people should know. */
  readonly logTo: Log;
  /** The requests whose tasks wait or run. */
  readonly active: ActiveRequests<RequestTasks> = new ActiveRequests();
  /** Whether the app has shut down: what is added now is lost. */
  isClosed = false;
  /** Told of each task that is lost, while the app closes. */
  onLost: ((task: LostTask) => void) | undefined = undefined;
  /** Where named tasks are stored; `undefined` while the app is not open. */
  jobStore: JobStore | undefined = undefined;
  /** Jobs that are being stored: the app must not close its broker before. */
  readonly #storing: { count: number; whenDone: (() => void)[] } = { count: 0, whenDone: [] };
  #pending = 0;
  #endedCount = 0;
  readonly #warning: BlockedWarning;
  readonly #whenIdle: (() => void)[] = [];
  readonly #loopWatch: LoopWatch = new LoopWatch(
    () => this.#runningNames(),
    (names, blockedMs) => this.#warning.warn(names, blockedMs, "while it ran"),
  );

  constructor(options?: BackgroundOptions, log: Log = new Log()) {
    super();
    this.logTo = log;
    this.#warning = new BlockedWarning(
      log,
      "Background task",
      "no request was served. Split it with awaits, or make it a named task with the option thread, which a worker thread runs",
    );
    this.config = toBackgroundConfig(options, log);
  }

  /** How many tasks wait. */
  get pending(): number {
    return this.#pending;
  }

  /** How many started tasks have ended since the app was made. */
  get endedCount(): number {
    return this.#endedCount;
  }

  /** @throws {TooManyTasksError} when `maxPending` tasks wait */
  admit(): void {
    if (this.#pending >= this.config.maxPending) throw new TooManyTasksError(this.config.maxPending);
    this.#pending++;
  }

  /** `count` tasks wait no longer. */
  discharge(count: number): void {
    this.#pending -= count;
  }

  /** The request has nothing left to run. */
  done(request: RequestTasks): void {
    if (this.active.delete(request) && this.active.size === 0)
      for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Resolves when no request has tasks that wait or run. */
  idle(): Promise<void> {
    if (this.active.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Stores jobs in one batch. Rejects when they were not stored, or it is not known whether they were. */
  async storeJobs(jobs: readonly PendingJob[]): Promise<void> {
    const { jobStore } = this;
    if (jobStore === undefined) {
      const reason = "the app is not open, or has closed";
      for (const job of jobs) job.drop(`it was not stored: ${reason}`);
      throw new AfterwordError("no_broker", `${jobs.length} named tasks could not be stored: ${reason}.`);
    }
    this.#storing.count++;
    try {
      await jobStore.store(jobs);
    } finally {
      if (--this.#storing.count === 0) for (const resolve of this.#storing.whenDone.splice(0)) resolve();
    }
  }

  /** Resolves when no jobs are being stored. */
  stored(): Promise<void> {
    if (this.#storing.count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#storing.whenDone.push(resolve));
  }

  /** Tells the world of a job that was not stored, by a rule. */
  droppedJob(job: PendingJob, request: RequestTasks, reason: string): void {
    if (this.listenerCount("dropped") === 0) return;
    this.#tell("dropped", {
      id: job.id,
      name: job.name,
      requestId: request.request.id,
      addedAt: job.addedAt,
      startedAt: undefined,
      endedAt: Date.now(),
      reason,
    });
  }

  started(task: AddedTask, request: RequestTasks): void {
    if (this.listenerCount("started") > 0) this.#tell("started", toEvent(task, request));
  }

  /** Tells the world of a task's end: its outcome must be settled. */
  ended(task: AddedTask, request: RequestTasks): void {
    if (task.startedMs > 0) this.#endedCount++;
    publishEnded(task);
    const outcome = task.outcome!;
    if (outcome.status === "lost" && this.onLost)
      this.onLost({ id: task.id, name: task.name, requestId: request.request.id, wasRunning: task.startedMs > 0 });
    switch (outcome.status) {
      case "succeeded":
        if (this.listenerCount("succeeded") > 0)
          this.#tell("succeeded", { ...toEvent(task, request, true), value: outcome.value });
        break;
      case "failed":
        this.report(outcome.error, {
          kind: "task",
          id: task.id,
          name: task.name,
          args: summarize(task.args),
          requestId: request.request.id,
        });
        if (this.listenerCount("failed") > 0)
          this.#tell("failed", { ...toEvent(task, request, true), error: outcome.error });
        break;
      case "canceled":
      case "dropped":
      case "lost":
        if (this.listenerCount(outcome.status) > 0)
          this.#tell(outcome.status, { ...toEvent(task, request, true), reason: outcome.reason });
        break;
      case "expired":
        break; // Jobs only.
    }
  }

  /** The function of a task returned a promise: from now on it runs beside others. */
  waits(): void {
    this.#loopWatch.add();
  }

  /** A task that {@link waits} told of has ended, and is still among those that run. */
  waited(): void {
    this.#loopWatch.remove();
  }

  *#runningNames(): Generator<string> {
    for (const request of this.active) for (const task of request.running) yield task.name;
  }

  blocked(task: AddedTask, blockedMs: number): void {
    this.#warning.warn([task.name], blockedMs, "at once");
  }

  progress(task: AddedTask, request: RequestTasks, value: number, note: string | undefined): void {
    if (this.listenerCount("progress") > 0) this.#tell("progress", { ...toEvent(task, request), value, note });
  }

  log(task: AddedTask, request: RequestTasks, line: string): void {
    if (this.listenerCount("log") > 0) this.#tell("log", { ...toEvent(task, request), line });
  }

  /** Hands an error to `onError`, once. Whatever `onError` does, nothing is thrown and nothing is lost. */
  report(error: unknown, report: TaskReport): void {
    try {
      const result = this.config.onError(error, report);
      if (result !== undefined)
        Promise.resolve(result).catch((second: unknown) => this.#onErrorFailed(second, error, report));
    } catch (second) {
      this.#onErrorFailed(second, error, report);
    }
  }

  #onErrorFailed(second: unknown, first: unknown, report: TaskReport): void {
    const message = `background.onError threw while it was told that "${report.name}" had failed`;
    this.logTo.error(message, { err: second }, [`${message}:`, second, "\nThe first error:", first]);
    if (!this.logTo.isText) logReport(this.logTo, first, report);
  }

  /** A listener that throws must not stop the tasks that follow. */
  #tell<K extends keyof BackgroundEvents>(event: K, ...args: BackgroundEvents[K]): void {
    try {
      (this as EventEmitter).emit(event, ...args);
    } catch (error) {
      this.logTo.error(`A listener for the event "${event}" of app.background threw`, { err: error, event });
    }
  }
}

function toEvent(task: AddedTask, request: RequestTasks, hasEnded = false): TaskEvent {
  return {
    id: task.id,
    name: task.name,
    requestId: request.request.id,
    addedAt: task.addedAt,
    startedAt: task.startedMs > 0 ? Math.round(performance.timeOrigin + task.startedMs) : undefined,
    endedAt: hasEnded ? Date.now() : undefined,
  };
}

function summarize(args: readonly unknown[]): string {
  return args
    .map((arg) => formatValue(arg, 60))
    .join(", ")
    .slice(0, 300);
}
