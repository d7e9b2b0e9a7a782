import type { AddedTask } from "../background/added-task.ts";
import type { Background } from "../background/background.ts";
import type { TaskEvent } from "../background/background-events.ts";
import { formatValue } from "../internal/format-value.ts";
import type { JobErrorData } from "../tasks/job.ts";
import type { BackgroundAnswer, LocalTask } from "./dashboard-types.ts";

/** So many of the last failures are kept. */
const maxFailures = 100;
/** So many of those that run are shown. */
const maxRunning = 200;

/** The background tasks of an app of this process: what runs, what waits, and what has failed since somebody listens. */
export class LocalTasks {
  readonly #background: Background;
  #failures: LocalTask[] = [];

  constructor(background: Background) {
    this.#background = background;
  }

  /** Listens to what fails. @returns ends it */
  listen(): () => void {
    const onFailed = (event: TaskEvent & { readonly error: unknown }): void =>
      this.#keep({ ...toLocalTask(event), error: toErrorData(event.error) });
    const onGone = (event: TaskEvent & { readonly reason: string }): void =>
      this.#keep({ ...toLocalTask(event), reason: event.reason });
    const background = this.#background;
    background.on("failed", onFailed).on("dropped", onGone).on("lost", onGone);
    return () => void background.off("failed", onFailed).off("dropped", onGone).off("lost", onGone);
  }

  answer(): BackgroundAnswer {
    const background = this.#background;
    const running: LocalTask[] = [];
    for (const request of background.active)
      for (const task of request.running) if (running.length < maxRunning) running.push(ofRunning(task));
    return {
      waiting: background.pending,
      maxPending: background.config.maxPending,
      ended: background.endedCount,
      running: running.toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0)),
      failures: this.#failures,
    };
  }

  #keep(task: LocalTask): void {
    this.#failures = [task, ...this.#failures].slice(0, maxFailures);
  }
}

function toLocalTask({ id, name, requestId, addedAt, startedAt, endedAt }: TaskEvent): LocalTask {
  return { id, name, requestId, addedAt, startedAt, endedAt, error: undefined, reason: undefined };
}

function ofRunning(task: AddedTask): LocalTask {
  return {
    id: task.id,
    name: task.name,
    requestId: task.request?.id,
    addedAt: task.addedAt,
    startedAt: Math.round(performance.timeOrigin + task.startedMs),
    endedAt: undefined,
    error: undefined,
    reason: undefined,
  };
}

function toErrorData(error: unknown): JobErrorData {
  if (!(error instanceof Error)) return { name: "Thrown", message: formatValue(error) };
  const { name, message, stack, code } = error as Error & { readonly code?: unknown };
  return { name, message, stack, code: typeof code === "string" ? code : undefined };
}
