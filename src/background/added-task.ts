import { AfterwordError } from "../internal/afterword-error.ts";
import { formatDuration } from "../internal/duration.ts";
import { createUuidV7 } from "../internal/uuid-v7.ts";
import { BackgroundTask, type TaskFunction } from "./background-task.ts";
import type { CurrentTask } from "./current-task.ts";
import type { Outcome, Status } from "./outcome.ts";
import { TaskMessage } from "./task-channels.ts";
import type { TaskRequest } from "./task-request.ts";

/** A task that was added: what it is doing, and a way to stop it. */
export interface TaskHandle<R = unknown> {
  /** A UUID version 7, known at once. */
  readonly id: string;
  /** The name from `with({ name })`, else the function's own, else `"anonymous"`. */
  readonly name: string;
  /** Where the task is now. */
  status(): Promise<Status>;
  /** Resolves when the task has ended; never rejects. */
  readonly done: Promise<Outcome<R>>;
  /**
   * Before the start: it never runs. While it runs: its signal aborts and the next task starts.
   *
   * @param reason - kept in the outcome and as the message of the signal's reason
   * @returns whether this call ended the task; `false` when it had ended already
   */
  cancel(reason?: string): Promise<boolean>;
}

/** What `with()` has settled for a task. */
export interface TaskSettings {
  readonly when: "success" | "always" | "error";
  readonly timeoutMs: number | undefined;
  readonly name: string | undefined;
}

/** The settings of a task for which nothing was settled. */
export const defaultSettings: TaskSettings = { when: "success", timeoutMs: undefined, name: undefined };

/** Who runs a task: what it needs to know of its request, and to tell it. */
export interface TaskContext {
  readonly request: TaskRequest | undefined;
  /** A waiting task was canceled: it will not run any more. */
  skipped(task: AddedTask): void;
  /** Somebody waits for the end of this task. */
  watch(task: AddedTask): void;
  progress(task: AddedTask, value: number, note: string | undefined): void;
  log(task: AddedTask, line: string): void;
}

/** What most tasks never need, made when it is asked for. */
interface Extra {
  id?: string;
  controller?: AbortController;
  abortReason?: unknown;
  lostReason?: string;
  done?: PromiseWithResolvers<Outcome>;
  message?: TaskMessage;
}

/**
 * A task in a list, its own handle and its own {@link CurrentTask}. Kept lean, because ten thousand may wait: what is
 * asked of only few tasks (an id, a promise, a signal) is made on the first use.
 */
export class AddedTask extends BackgroundTask implements TaskHandle, CurrentTask {
  settings: TaskSettings;
  readonly addedAt: number = Date.now();
  /** Milliseconds by `performance.now()` at which it started; 0 before that. */
  startedMs = 0;
  #context: TaskContext | undefined;
  #status: Status = "queued";
  #ending: unknown = undefined;
  #extra: Extra | undefined = undefined;
  #release: (() => void) | undefined = undefined;

  constructor(fn: TaskFunction, args: readonly unknown[], settings: TaskSettings, context: TaskContext | undefined) {
    super(fn);
    (this as { args: readonly unknown[] }).args = args;
    this.settings = settings;
    this.#context = context;
  }

  get id(): string {
    return (this.#more.id ??= createUuidV7());
  }

  get name(): string {
    return this.settings.name ?? (this.fn.name || "anonymous");
  }

  // The handle

  async status(): Promise<Status> {
    return this.#status;
  }

  get done(): Promise<Outcome> {
    const more = this.#more;
    if (more.done === undefined) {
      more.done = Promise.withResolvers();
      const { outcome } = this;
      if (outcome) more.done.resolve(outcome);
      else this.#context?.watch(this);
    }
    return more.done.promise;
  }

  async cancel(reason = "canceled"): Promise<boolean> {
    const wasWaiting = this.isWaiting;
    if (!this.settle("canceled", reason)) return false;
    if (wasWaiting) this.#context?.skipped(this);
    this.abort(new AfterwordError("canceled", reason));
    this.release();
    return true;
  }

  // Seen from inside

  get attempt(): number {
    return 1;
  }

  get signal(): AbortSignal {
    const more = this.#more;
    if (more.controller === undefined) {
      more.controller = new AbortController();
      if (more.abortReason !== undefined) more.controller.abort(more.abortReason);
    }
    return more.controller.signal;
  }

  get request(): TaskRequest | undefined {
    return this.#context?.request;
  }

  // Made on demand, so that they can be taken out of the object without a cost for tasks that never do.
  get progress(): (value: number, note?: string) => void {
    return (value, note) => this.#context?.progress(this, value, note);
  }

  get log(): (line: string) => void {
    return (line) => this.#context?.log(this, line);
  }

  // Seen by who runs it

  /** How it ended, `undefined` before that. */
  get outcome(): Outcome | undefined {
    switch (this.#status) {
      case "scheduled":
      case "queued":
      case "running":
        return undefined;
      case "succeeded":
        return { status: "succeeded", value: this.#ending };
      case "failed":
        return { status: "failed", error: this.#ending };
      default:
        return { status: this.#status, reason: this.#ending as string };
    }
  }

  get isWaiting(): boolean {
    return this.#status === "queued";
  }

  /** Whether it was added to a list that no request owned, and has not run there. */
  get isFree(): boolean {
    return this.#context === undefined && this.isWaiting;
  }

  get isCanceled(): boolean {
    return this.#status === "canceled";
  }

  get isRunning(): boolean {
    return this.#status === "running";
  }

  /** A request takes over a free task. */
  join(context: TaskContext, when: TaskSettings["when"]): void {
    this.#context = context;
    if (when !== "success") this.settings = { ...this.settings, when };
    if (this.#extra?.done) context.watch(this);
  }

  /** Whether its ending is for `context` to bring about: if not, it was added elsewhere and may be run there too. */
  belongsTo(context: TaskContext): boolean {
    return this.#context === undefined || this.#context === context || this.#status === "canceled";
  }

  /** Marks it as running in `context`; `false` if it was canceled first. */
  start(context: TaskContext): boolean {
    if (this.#status !== "queued") return false;
    this.#status = "running";
    this.#context = context;
    return true;
  }

  /** Gives it its one ending; `false` when it has one already. */
  settle(status: Outcome["status"], ending: unknown): boolean {
    if (this.#status !== "queued" && this.#status !== "running") return false;
    this.#status = status;
    this.#ending = ending;
    this.#extra?.done?.resolve(this.outcome!);
    return true;
  }

  /** Its function threw: `failed`, or `lost` when it threw because the process gave it up. */
  fail(error: unknown): void {
    const lostReason = this.#extra?.lostReason;
    if (lostReason === undefined) this.settle("failed", error);
    else this.settle("lost", lostReason);
  }

  /** Ends it as timed out; the list goes on without it. */
  expire(timeoutMs: number): void {
    const error = new AfterwordError(
      "timeout",
      `Background task "${this.name}" did not end within ${formatDuration(timeoutMs)}.`,
    );
    if (!this.settle("failed", error)) return;
    this.abort(error);
    this.release();
  }

  /** The process shuts down and waits no longer: a last chance to notice the signal and end well. */
  giveUp(reason: string): void {
    this.#more.lostReason = reason;
    this.abort(new AfterwordError("shutdown", reason));
  }

  /** Aborts the signal, now and for whoever asks for it later. */
  abort(reason: AfterwordError): void {
    const more = this.#more;
    more.abortReason ??= reason;
    more.controller?.abort(reason);
  }

  /** Sets what {@link release} calls. */
  onRelease(release: () => void): void {
    this.#release = release;
  }

  /** What those see of it who subscribe to its channels. */
  get message(): TaskMessage {
    return (this.#more.message ??= new TaskMessage(this));
  }

  /** Lets the list go on without waiting for the function. */
  release(): void {
    this.#release?.();
  }

  get #more(): Extra {
    return (this.#extra ??= {});
  }
}
