import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DeclarationError } from "../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../internal/duration.ts";
import { formatValue } from "../internal/format-value.ts";
import type { Backoff, TaskLimits } from "./job.ts";
import { exponential, isBackoff } from "./retry.ts";

/** What can be settled for one job, with `task.with(options)`, or for all jobs of a task, where it is defined. */
export interface JobOptions {
  /** Where it waits; workers are told which queues they serve. @defaultValue `"default"` */
  readonly queue?: string;
  /** How often it is tried before it ends as `failed`. @defaultValue 5 */
  readonly attempts?: number;
  /** How long it waits between attempts. @defaultValue `exponential({ base: "1s", factor: 2, max: "1h", jitter: true })` */
  readonly backoff?: Backoff;
  /**
   * How long one attempt may run. After that its signal aborts and the attempt has failed with code `timeout`, even if the
   * function never settles.
   *
   * @defaultValue none
   */
  readonly timeout?: Duration;
  /** An integer from 0 to 9; higher runs first, first in first out within one. @defaultValue 5 */
  readonly priority?: number;
  /** How long it waits before it may run. @defaultValue none */
  readonly delay?: Duration;
  /** Ends it as `expired` if it has not been started so long after it was stored. @defaultValue never */
  readonly expires?: Duration;
  /** How long its record and result are kept after it has succeeded, or was canceled, or has expired. @defaultValue `"1d"` */
  readonly keepResult?: Duration;
  /** How long its record and errors are kept after it has failed. @defaultValue `"14d"` */
  readonly keepFailed?: Duration;
}

/** What `task.with()` takes. */
export interface WithOptions extends JobOptions {
  /**
   * While a job of the same task and key is stored and has not ended, no other is stored: the handle becomes that job's.
   */
  readonly uniqueKey?: string;
  /**
   * An open transaction of your own database client: the job exists once it has committed, and never if it is rolled back.
   * For `enqueue`, on brokers that live in that database.
   */
  readonly transaction?: unknown;
}

/** What `task(name, options, …)` takes. */
export interface TaskDefinitionOptions<A extends unknown[] = never[]> extends JobOptions {
  /**
   * While a job of this task with the same key is stored and has not ended, no other is stored: the handle becomes that
   * job's. A function makes the key of the arguments.
   */
  readonly uniqueKey?: string | ((...args: A) => string);
  /** How many of its jobs may run at the same time, over all workers. @defaultValue no limit */
  readonly maxRunning?: number;
  /** How many of its jobs may start within any stretch of time, over all workers. @defaultValue no limit */
  readonly rateLimit?: { readonly limit: number; readonly per: Duration };
  /**
   * A Standard Schema of the array of arguments, such as `z.tuple([z.string(), z.number()])`: checked when a job is added
   * and again before it runs. The function gets what the schema makes of them.
   */
  readonly args?: StandardSchemaV1;
  /** Whether another attempt makes sense after this error. @defaultValue always */
  readonly retryIf?: (error: unknown, attempt: number) => boolean;
  /**
   * The URL of the module that defines the task, `import.meta.url`: its jobs run in worker threads, which import that module and find
   * the task by its name, so that a function which computes keeps neither requests nor leases waiting. Needs the package
   * `piscina` 5. Called like a function, the task still runs where it is called.
   *
   * @defaultValue none: they run in the event loop of the worker's process
   *
   * @example
   * ```ts
   * import { scryptSync } from "node:crypto";
   * import { task } from "afterword";
   *
   * export const hash = task("hash", { thread: import.meta.url }, (password: string, salt: string) =>
   *   scryptSync(password, salt, 64).toString("hex"),
   * );
   * ```
   */
  readonly thread?: string | URL;
}

/** What `remoteTask(name, options)` takes: they count for the jobs that this program stores. */
export type RemoteTaskOptions<A extends unknown[] = never[]> = Omit<TaskDefinitionOptions<A>, "retryIf" | "thread">;

/** What `with()` of a remote task takes. */
export interface RemoteWithOptions<K extends object = never> extends WithOptions {
  /**
   * Arguments that have names, such as those of a Python function. They are JSON like the others, and travel as one object behind
   * them: to a task of ours it is the last argument.
   */
  readonly kwargs?: K;
}

/** {@link TaskDefinitionOptions} and {@link WithOptions} with everything decided. */
export interface JobConfig {
  readonly queue: string;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly timeoutMs: number | undefined;
  readonly priority: number;
  readonly delayMs: number;
  readonly expiresMs: number | undefined;
  readonly keepResultMs: number;
  readonly keepFailedMs: number;
  readonly uniqueKey: string | ((...args: never[]) => string) | undefined;
  readonly limits: TaskLimits | undefined;
  readonly args: StandardSchemaV1 | undefined;
  readonly retryIf: ((error: unknown, attempt: number) => boolean) | undefined;
  readonly transaction: unknown;
  /** The URL of the module that its threads import; `undefined` if its jobs run in no thread. */
  readonly thread: string | undefined;
  /** Of a remote task: they travel as one object behind the arguments. */
  readonly kwargs: Readonly<Record<string, unknown>> | undefined;
}

const defaults: JobConfig = {
  queue: "default",
  attempts: 5,
  backoff: exponential(),
  timeoutMs: undefined,
  priority: 5,
  delayMs: 0,
  expiresMs: undefined,
  keepResultMs: 86_400_000,
  keepFailedMs: 14 * 86_400_000,
  uniqueKey: undefined,
  limits: undefined,
  args: undefined,
  retryIf: undefined,
  transaction: undefined,
  thread: undefined,
  kwargs: undefined,
};

/** How an option is checked and put into the configuration. */
type Setter = (value: never, what: string, config: JobConfig) => Partial<JobConfig>;

const jobSetters: Record<keyof JobOptions, Setter> = {
  queue: (value: unknown, what) => ({ queue: toName(value, what) }),
  attempts: (value: unknown, what) => ({ attempts: toInteger(value, what, 1) }),
  backoff(value: unknown, what) {
    if (!isBackoff(value)) throw wrong(what, "made by exponential({ base, factor, max, jitter })", value);
    return { backoff: value };
  },
  timeout: (value: Duration, what) => ({ timeoutMs: parseDuration(value, what) }),
  priority: (value: unknown, what) => ({ priority: toInteger(value, what, 0, 9) }),
  delay: (value: Duration, what) => ({ delayMs: parseDuration(value, what) }),
  expires: (value: Duration, what) => ({ expiresMs: parseDuration(value, what) }),
  keepResult: (value: Duration, what) => ({ keepResultMs: parseDuration(value, what) }),
  keepFailed: (value: Duration, what) => ({ keepFailedMs: parseDuration(value, what) }),
};

const withSetters: Record<keyof WithOptions, Setter> = {
  ...jobSetters,
  uniqueKey: (value: unknown, what) => ({ uniqueKey: toName(value, what) }),
  transaction: (value: unknown) => ({ transaction: value }),
};

const definitionSetters: Record<keyof TaskDefinitionOptions, Setter> = {
  ...jobSetters,
  uniqueKey: (value: unknown, what) => ({
    uniqueKey: typeof value === "function" ? (value as (...args: never[]) => string) : toName(value, what),
  }),
  maxRunning: (value: unknown, what, config) => ({
    limits: { rate: config.limits?.rate, maxRunning: toInteger(value, what, 1) },
  }),
  rateLimit(value: { limit?: unknown; per?: Duration } | null, what, config) {
    if (typeof value !== "object" || value === null) throw wrong(what, 'such as { limit: 10, per: "1s" }', value);
    const rate = {
      limit: toInteger(value.limit, `${what}.limit`, 1),
      perMs: parseDuration(value.per as Duration, `${what}.per`),
    };
    return { limits: { maxRunning: config.limits?.maxRunning, rate } };
  },
  args(value: StandardSchemaV1 | null | undefined, what) {
    if (typeof value?.["~standard"]?.validate !== "function")
      throw wrong(what, "a Standard Schema of the array of arguments, such as z.tuple([z.string()])", value);
    return { args: value };
  },
  retryIf(value: unknown, what) {
    if (typeof value !== "function") throw wrong(what, "a function (error, attempt) => boolean", value);
    return { retryIf: value as (error: unknown, attempt: number) => boolean };
  },
  thread: (value: unknown, what) => ({ thread: toModuleUrl(value, what) }),
};

const { retryIf: _, thread: __, ...remoteSetters } = definitionSetters;

const remoteWithSetters: Record<keyof RemoteWithOptions, Setter> = {
  ...withSetters,
  kwargs(value: unknown, what) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw wrong(what, "an object of arguments by their names", value);
    return { kwargs: { ...value } };
  },
};

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toJobConfig(task: string, options: TaskDefinitionOptions): JobConfig {
  return apply(`Task "${task}"`, options, definitionSetters, defaults);
}

/**
 * A configuration with other options.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 */
export function changeJobConfig(task: string, options: WithOptions, config: JobConfig): JobConfig {
  return apply(`Task "${task}".with()`, options, withSetters, config);
}

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toRemoteConfig(task: string, options: RemoteTaskOptions): JobConfig {
  return apply(`Task "${task}"`, options, remoteSetters, defaults);
}

/**
 * A configuration of a remote task with other options.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 */
export function changeRemoteConfig(task: string, options: RemoteWithOptions, config: JobConfig): JobConfig {
  return apply(`Task "${task}".with()`, options, remoteWithSetters, config);
}

function apply(
  owner: string,
  options: object,
  setters: Readonly<Record<string, Setter>>,
  config: JobConfig,
): JobConfig {
  let result = config;
  for (const [name, value] of Object.entries(options)) {
    const set = Object.hasOwn(setters, name) ? setters[name] : undefined;
    if (set === undefined)
      throw new DeclarationError(
        `${owner} has no option ${JSON.stringify(name)}. It has ${Object.keys(setters).join(", ")}.`,
      );
    if (value !== undefined) result = { ...result, ...set(value as never, `${owner}: ${name}`, result) };
  }
  return result;
}

function toInteger(value: unknown, what: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw wrong(
    what,
    max === Number.MAX_SAFE_INTEGER ? `an integer of ${min} or more` : `an integer from ${min} to ${max}`,
    value,
  );
}

/** A name that every broker can carry. */
export function toName(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "" && value.length <= 255 && !/\p{Cc}/u.test(value)) return value;
  throw wrong(what, "a string of 1 to 255 characters, without control characters", value);
}

function toModuleUrl(value: unknown, what: string): string {
  const url = value instanceof URL ? value.href : value;
  if (typeof url === "string" && url.startsWith("file:") && URL.canParse(url)) return url;
  throw wrong(what, "the URL of a file, such as import.meta.url", value);
}

function wrong(what: string, expected: string, value: unknown): DeclarationError {
  return new DeclarationError(`${what} must be ${expected}, but got ${formatValue(value)}.`);
}
