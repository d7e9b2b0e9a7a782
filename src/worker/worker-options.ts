import { DeclarationError } from "../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../internal/duration.ts";
import { formatValue } from "../internal/format-value.ts";
import { assertLogger, Log, type LoggerLike } from "../internal/log.ts";
import type { Broker } from "../tasks/broker.ts";
import { assertBroker } from "../tasks/shared-broker.ts";
import { toName } from "../tasks/task-options.ts";
import { toThreadConfig, type ThreadConfig, type ThreadOptions } from "./threads/thread-options.ts";
import { logJobReport, type JobReport } from "../background/job-report.ts";

/** How jobs are run. */
export interface WorkerSettings {
  /** How many jobs run at the same time. @defaultValue 10 */
  readonly concurrency?: number;
  /** Which queues are served. @defaultValue those of all tasks that are defined when it starts, and `"default"` */
  readonly queues?: readonly string[];
  /**
   * So long after its last sign of life a worker counts as dead, and its jobs are given to others. A sign of life is given
   * every third of it. A function that blocks the event loop for longer may lose its job.
   *
   * @defaultValue `"30s"`
   */
  readonly lease?: Duration;
  /** So often one attempt is handed to a worker that dies of it, before it fails with `worker_lost`. @defaultValue 3 */
  readonly maxDeliveries?: number;
  /** The threads that run the jobs of tasks with the option `thread`. */
  readonly threads?: ThreadOptions;
}

/** What `new Worker()` takes. */
export interface WorkerOptions extends WorkerSettings {
  /** Where the jobs are. It may be shared with apps and clients of this process. */
  readonly broker: Broker;
  /** How long `close()` waits for running jobs before it aborts them and gives them back. @defaultValue `"25s"` */
  readonly drainTimeout?: Duration;
  /**
   * Told of each attempt that failed, and of trouble with the broker.
   *
   * @defaultValue writes to `logger`
   */
  readonly onError?: (error: unknown, report: JobReport) => void;
  /** Where troubles are written, with fields: pino, or what has its form. @defaultValue stderr */
  readonly logger?: LoggerLike;
}

/** {@link WorkerOptions} with everything decided. */
export interface WorkerConfig {
  readonly broker: Broker;
  readonly concurrency: number;
  readonly queues: readonly string[] | undefined;
  readonly leaseMs: number;
  readonly maxDeliveries: number;
  readonly threads: ThreadConfig;
  readonly drainTimeoutMs: number;
  readonly onError: (error: unknown, report: JobReport) => void;
  readonly log: Log;
}

const settings = ["concurrency", "queues", "lease", "maxDeliveries", "threads"];
const all = ["broker", ...settings, "drainTimeout", "onError", "logger"];

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function checkWorkerSettings(what: string, options: unknown): asserts options is WorkerSettings {
  if (typeof options !== "object" || options === null)
    throw new DeclarationError(`${what} must be { ${settings.join(", ")} } or false, but got ${formatValue(options)}.`);
  check(what, options, settings);
}

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toWorkerConfig(options: WorkerOptions): WorkerConfig {
  check("new Worker()", options, all);
  assertBroker(options.broker, "new Worker(): broker");
  if (options.logger !== undefined) assertLogger(options.logger, "new Worker(): logger");
  const log = new Log(options.logger);
  const { onError = (error, report) => logJobReport(log, error, report) } = options;
  if (typeof onError !== "function")
    throw new DeclarationError(`new Worker(): onError must be a function, but got ${formatValue(onError)}.`);
  return {
    broker: options.broker,
    concurrency: options.concurrency ?? 10,
    queues: options.queues,
    leaseMs: parseDuration(options.lease ?? "30s", "lease"),
    maxDeliveries: options.maxDeliveries ?? 3,
    threads: toThreadConfig("new Worker()", options.threads),
    drainTimeoutMs: parseDuration(options.drainTimeout ?? "25s", "drainTimeout"),
    onError,
    log,
  };
}

function check(what: string, options: WorkerSettings & object, known: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new DeclarationError(`${what} has no option ${JSON.stringify(name)}. It has ${known.join(", ")}.`);
  const { concurrency, queues, lease, maxDeliveries, threads } = options;
  for (const [name, value] of Object.entries({ concurrency, maxDeliveries }))
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw new DeclarationError(`${what}: ${name} must be an integer of 1 or more, but got ${formatValue(value)}.`);
  if (lease !== undefined && parseDuration(lease, `${what}: lease`) < 100)
    throw new DeclarationError(`${what}: lease must be at least 100 ms, but got ${formatValue(lease)}.`);
  if (threads !== undefined) toThreadConfig(what, threads);
  if (queues === undefined) return;
  if (!Array.isArray(queues) || queues.length === 0)
    throw new DeclarationError(
      `${what}: queues must be an array of at least one name, but got ${formatValue(queues)}.`,
    );
  for (const queue of queues) toName(queue, `${what}: a name in queues`);
}
