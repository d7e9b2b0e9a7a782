import { DeclarationError } from "../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../internal/duration.ts";
import { formatValue } from "../internal/format-value.ts";
import type { Log } from "../internal/log.ts";
import type { TaskReport } from "./background-events.ts";
import { logReport } from "./log-report.ts";

/** How the background tasks of an app run: its option `background`. */
export interface BackgroundOptions {
  /** How many tasks of one request may run at the same time. @defaultValue 1: in order, one after the other */
  readonly concurrency?: number;
  /**
   * How many tasks of the whole app may wait. When so many wait, `addTask` throws a `TooManyTasksError`, answered as 503.
   *
   * @defaultValue 10_000
   */
  readonly maxPending?: number;
  /** How long a task may run that sets no timeout itself. @defaultValue none */
  readonly timeout?: Duration;
  /**
   * How long `close()` and SIGTERM wait for responses and tasks before they abort and give up.
   *
   * @defaultValue `"25s"`, under the 30 s that Kubernetes gives
   */
  readonly drainTimeout?: Duration;
  /**
   * Told once of each error: a task's, or that of clean-up code after the response. What it throws itself is written to
   * the app's logger with the first error.
   *
   * @defaultValue writes the task's name and the error's stack to the app's logger, else to stderr
   */
  readonly onError?: (error: unknown, report: TaskReport) => void | Promise<void>;
}

/** {@link BackgroundOptions} with everything decided. */
export interface BackgroundConfig {
  readonly concurrency: number;
  readonly maxPending: number;
  readonly timeoutMs: number | undefined;
  readonly drainTimeoutMs: number;
  readonly onError: (error: unknown, report: TaskReport) => unknown;
}

const known = new Set(["concurrency", "maxPending", "timeout", "drainTimeout", "onError"]);

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toBackgroundConfig(options: BackgroundOptions = {}, log: Log): BackgroundConfig {
  for (const key of Object.keys(options)) {
    if (!known.has(key))
      throw new DeclarationError(
        `background knows the options ${[...known].join(", ")}, but got ${JSON.stringify(key)}.`,
      );
  }
  const {
    concurrency = 1,
    maxPending = 10_000,
    timeout,
    drainTimeout = "25s",
    onError = (error, report) => logReport(log, error, report),
  } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new DeclarationError(
      `background.concurrency must be an integer of 1 or more, but got ${formatValue(concurrency)}.`,
    );
  if (!(maxPending === Infinity || Number.isInteger(maxPending)) || maxPending < 0)
    throw new DeclarationError(
      `background.maxPending must be an integer of 0 or more, or Infinity, but got ${formatValue(maxPending)}.`,
    );
  if (typeof onError !== "function")
    throw new DeclarationError(`background.onError must be a function, but got ${formatValue(onError)}.`);
  return {
    concurrency,
    maxPending,
    timeoutMs: timeout === undefined ? undefined : parseDuration(timeout, "background.timeout"),
    drainTimeoutMs: parseDuration(drainTimeout, "background.drainTimeout"),
    onError,
  };
}
