import { DeclarationError } from "../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../internal/duration.ts";
import { formatValue } from "../internal/format-value.ts";
import type { Backoff } from "./job.ts";

/** What {@link exponential} takes. */
export interface ExponentialOptions {
  /** The wait before the second attempt. @defaultValue `"1s"` */
  readonly base?: Duration;
  /** What each further wait is multiplied by; 1 makes all of them equal. @defaultValue 2 */
  readonly factor?: number;
  /** No wait is longer. @defaultValue `"1h"` */
  readonly max?: Duration;
  /**
   * Whether each wait is drawn at random between half of it and all of it, so that jobs which failed together do not come
   * back together.
   *
   * @defaultValue true
   */
  readonly jitter?: boolean;
}

/**
 * How long a job waits after a failed attempt: `base`, then `base * factor`, `base * factor²` …, never more than `max`.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { exponential, task } from "afterword";
 *
 * export const charge = task("charge", { backoff: exponential({ base: "10s", max: "10m" }) }, async (orderId: string) => {
 *   console.log(`charging ${orderId}`);
 * });
 * ```
 */
export function exponential(options: ExponentialOptions = {}): Backoff {
  const { base = "1s", factor = 2, max = "1h", jitter = true, ...rest } = options;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new DeclarationError(
      `exponential() knows the options base, factor, max and jitter, but got ${JSON.stringify(unknown)}.`,
    );
  if (!(typeof factor === "number" && factor >= 1 && Number.isFinite(factor)))
    throw new DeclarationError(`exponential(): factor must be a number of 1 or more, but got ${formatValue(factor)}.`);
  if (typeof jitter !== "boolean")
    throw new DeclarationError(`exponential(): jitter must be true or false, but got ${formatValue(jitter)}.`);
  return {
    baseMs: parseDuration(base, "exponential(): base"),
    factor,
    maxMs: parseDuration(max, "exponential(): max"),
    jitter,
  };
}

/** Whether a value was made by {@link exponential}, or looks just like it. */
export function isBackoff(value: unknown): value is Backoff {
  if (typeof value !== "object" || value === null) return false;
  const { baseMs, factor, maxMs, jitter } = value as Partial<Backoff>;
  return (
    typeof baseMs === "number" && typeof factor === "number" && typeof maxMs === "number" && typeof jitter === "boolean"
  );
}

/**
 * How long to wait after a failed attempt, in whole milliseconds.
 *
 * @param attempt - the one that failed, counted from 1
 * @param random - from 0 up to but not including 1
 */
export function retryDelayMs(backoff: Backoff, attempt: number, random: number): number {
  const fullMs = Math.min(backoff.maxMs, backoff.baseMs * backoff.factor ** (attempt - 1));
  return Math.round(backoff.jitter ? fullMs / 2 + (fullMs / 2) * random : fullMs);
}
