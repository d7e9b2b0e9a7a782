import { availableParallelism } from "node:os";
import type { ResourceLimits } from "node:worker_threads";
import { DeclarationError } from "../../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../../internal/duration.ts";
import { formatValue } from "../../internal/format-value.ts";

/** The threads of a worker, which run the jobs of tasks with the option `thread`. They are started when such a job comes. */
export interface ThreadOptions {
  /**
   * How many there are at most. Jobs beyond that wait, in their order, and each occupies one of the worker's slots meanwhile.
   *
   * @defaultValue the number of processors without one, which is for the event loop; at least 1
   */
  readonly max?: number;
  /** A thread that has run nothing for so long ends. @defaultValue `"1m"` */
  readonly idleTimeout?: Duration;
  /**
   * So long a function may go on after its signal has aborted, by a timeout, a cancellation or the shutdown; then its thread is
   * terminated.
   *
   * @defaultValue `"2s"`
   */
  readonly grace?: Duration;
  /**
   * How much memory each thread may have, in megabytes: `{ maxOldGenerationSizeMb: 512 }`. A job that needs more fails with
   * `thread_out_of_memory`. Buffers are outside of it.
   *
   * @defaultValue what Node.js gives a thread: as much as the process
   */
  readonly resourceLimits?: ResourceLimits;
}

/** {@link ThreadOptions} with everything decided. */
export interface ThreadConfig {
  readonly max: number;
  readonly idleMs: number;
  readonly graceMs: number;
  readonly resourceLimits: ResourceLimits | undefined;
}

const names = ["max", "idleTimeout", "grace", "resourceLimits"];
const limitNames = ["maxOldGenerationSizeMb", "maxYoungGenerationSizeMb", "codeRangeSizeMb", "stackSizeMb"];

/**
 * @param what - whose option it is: `"new Worker()"`
 * @throws {DeclarationError} for an unknown option or a wrong value
 */
export function toThreadConfig(what: string, options: unknown = {}): ThreadConfig {
  const owner = `${what}: threads`;
  assertRecord(owner, options, names);
  const {
    max = Math.max(1, availableParallelism() - 1),
    idleTimeout,
    grace,
    resourceLimits,
  } = options as ThreadOptions;
  if (!Number.isInteger(max) || max < 1)
    throw new DeclarationError(`${owner}.max must be an integer of 1 or more, but got ${formatValue(max)}.`);
  if (resourceLimits !== undefined) checkLimits(`${owner}.resourceLimits`, resourceLimits);
  return {
    max,
    idleMs: parseDuration(idleTimeout ?? "1m", `${owner}.idleTimeout`),
    graceMs: parseDuration(grace ?? "2s", `${owner}.grace`),
    resourceLimits,
  };
}

function checkLimits(owner: string, limits: unknown): void {
  assertRecord(owner, limits, limitNames);
  for (const [name, value] of Object.entries(limits as object))
    if (typeof value !== "number" || !(value > 0))
      throw new DeclarationError(`${owner}.${name} must be a number of megabytes, but got ${formatValue(value)}.`);
}

function assertRecord(owner: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new DeclarationError(`${owner} must be { ${known.join(", ")} }, but got ${formatValue(value)}.`);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new DeclarationError(`${owner} has no option ${JSON.stringify(unknown)}. It has ${known.join(", ")}.`);
}
