import { AfterwordError } from "../internal/afterword-error.ts";
import { formatDuration } from "../internal/duration.ts";
import type { Delivery } from "../tasks/delivery.ts";
import type { Ending } from "../tasks/ending.ts";
import type { TaskDefinition } from "../tasks/task-definition.ts";
import { aborted, end, fail, type ExecuteContext } from "./endings.ts";

/** 24.8 days: a timer that is to fire later fires at once. */
const maxTimerMs = 2 ** 31 - 1;

/** An ending that is waited for. It is what comes first: the function's, that of its time, or the wish of somebody else. */
export class OpenEnding {
  readonly promise: Promise<Ending>;
  readonly #delivery: Delivery;
  readonly #definition: TaskDefinition;
  readonly #context: ExecuteContext;
  readonly #resolve: (ending: Ending) => void;
  #timer: NodeJS.Timeout | undefined = undefined;
  #hasEnded = false;

  constructor(delivery: Delivery, definition: TaskDefinition, context: ExecuteContext) {
    this.#delivery = delivery;
    this.#definition = definition;
    this.#context = context;
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.promise = promise;
    this.#resolve = resolve;
    delivery.onAbort = (reason) => {
      // At shutdown it may still end well; who gives it back does not wait for long.
      if (reason.code !== "shutdown") this.settle(() => end(delivery, aborted(reason), context, reason));
    };
    if (delivery.abortReason) delivery.onAbort(delivery.abortReason);
  }

  /** From now on its time counts. */
  startClock(): void {
    const delivery = this.#delivery;
    const { timeoutMs } = delivery.job;
    if (timeoutMs === undefined || timeoutMs > maxTimerMs || this.#hasEnded) return;
    this.#timer = setTimeout(() => {
      const error = timeoutError(delivery.job.task, timeoutMs);
      this.settle(() => fail(delivery, this.#definition, this.#context, error));
      delivery.abortSignal(error);
    }, timeoutMs);
  }

  settle(make: () => Ending): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#delivery.onAbort = undefined;
    this.#resolve(make());
  }
}

function timeoutError(task: string, timeoutMs: number): AfterwordError {
  return new AfterwordError("timeout", `Task "${task}" did not end within ${formatDuration(timeoutMs)}.`);
}
