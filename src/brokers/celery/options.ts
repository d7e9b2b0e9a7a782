import { DeclarationError } from "../../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../../internal/duration.ts";
import { formatValue } from "../../internal/format-value.ts";
import { toName } from "../../tasks/task-options.ts";
import { toAmqpServer, type AmqpServer } from "../rabbitmq/options.ts";
import { toRedisConfig, type RedisConfig } from "../redis/options.ts";

/** What `celery(url, options)` takes. */
export interface CeleryOptions {
  /**
   * The URL of Celery's broker, as its `broker_url`: `redis://user:password@host:6379/0`, or
   * `amqp://user:password@host:5672/vhost`.
   *
   * @defaultValue `"redis://127.0.0.1:6379/0"`
   */
  readonly url?: string;
  /**
   * Where results are, as Celery's `result_backend`. On Redis that is the broker's own URL. On RabbitMQ, `"rpc://"` sends each
   * result as a message to the process that has sent the task, and a `redis://` URL keeps them where every process can ask, which
   * groups and chords need.
   *
   * @defaultValue on RabbitMQ `"rpc://"`
   */
  readonly results?: string;
  /**
   * RabbitMQ only: how many levels of priority queues have, up to 255; Celery's `task_queue_max_priority`. Its jobs have those from
   * 0 to 9, so that 10 tells all of them apart. Without it queues are used as they are, and tasks have no priorities.
   */
  readonly maxPriority?: number;
  /**
   * RabbitMQ only: Celery's `task_default_queue_type`. Without it queues are used as they are, and those that are missing are made
   * classic.
   */
  readonly queueType?: "classic" | "quorum";
  /**
   * The name of this process's worker among Celery's, in front of the host.
   *
   * @defaultValue `"afterword"` and the process id
   */
  readonly name?: string;
  /**
   * Where calls go that Python has put into a chain, a chord or a callback without a queue, of tasks that this process does not
   * have: its `task_default_queue`.
   *
   * @defaultValue `"celery"`
   */
  readonly defaultQueue?: string;
  /**
   * How long workers of Celery's may have a message before it is given to others: `visibility_timeout` in its
   * `broker_transport_options`. Give it the value that Celery has, since the shortest one in a fleet counts. What our own workers run
   * they keep for as long as it takes.
   *
   * @defaultValue `"1h"`
   */
  readonly visibilityTimeout?: Duration;
}

/** Where messages travel, and where results are. */
export type CeleryPlaces = { readonly redis: RedisConfig } | CeleryOnAmqp;

/** Messages through RabbitMQ. */
export interface CeleryOnAmqp {
  readonly amqp: AmqpServer;
  readonly results: "rpc" | RedisConfig;
  readonly maxPriority: number | undefined;
  readonly queueType: "classic" | "quorum" | undefined;
}

/** {@link CeleryOptions} with everything decided. */
export interface CeleryConfig {
  readonly places: CeleryPlaces;
  readonly name: string;
  readonly defaultQueue: string;
  readonly visibilityMs: number;
}

const names = ["url", "results", "maxPriority", "queueType", "name", "defaultQueue", "visibilityTimeout"];

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toCeleryConfig(first: string | CeleryOptions, second: CeleryOptions): CeleryConfig {
  const options: CeleryOptions = typeof first === "string" ? { ...toObject(second), url: first } : toObject(first);
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw new DeclarationError(`celery() has no option ${JSON.stringify(name)}. It has ${names.join(", ")}.`);
  const { name = `afterword-${process.pid}`, defaultQueue = "celery" } = options;
  if (typeof name !== "string" || !/^[\w.-]{1,100}$/.test(name))
    throw new DeclarationError(
      `celery(): name must be a word of letters, digits, ".", "_" and "-", but got ${formatValue(name)}.`,
    );
  return {
    places: toPlaces(options),
    name,
    defaultQueue: toName(defaultQueue, "celery(): defaultQueue"),
    visibilityMs: parseDuration(options.visibilityTimeout ?? "1h", "celery(): visibilityTimeout"),
  };
}

function toObject(options: unknown): CeleryOptions {
  if (typeof options === "object" && options !== null) return options;
  throw new DeclarationError(
    `celery() expects a URL such as "redis://127.0.0.1:6379/0" or an object of options, but got ${formatValue(options)}.`,
  );
}

function toPlaces(options: CeleryOptions): CeleryPlaces {
  const { url = "redis://127.0.0.1:6379/0" } = options;
  if (isUrl(url, /^amqps?:\/\//)) return onAmqp(url, options);
  // Never the text itself: it may hold a password.
  if (!isUrl(url, /^rediss?:\/\//))
    throw new DeclarationError(
      'celery() expects the URL of Celery\'s broker, which is Redis or RabbitMQ, such as "redis://127.0.0.1:6379/0" or "amqp://guest:guest@127.0.0.1:5672".',
    );
  for (const name of ["results", "maxPriority", "queueType"] as const)
    if (options[name] !== undefined)
      throw new DeclarationError(
        `celery(): ${name} is for RabbitMQ only${name === "results" ? ": on Redis, results are where the messages are" : ""}. Leave it out, or give the URL of a RabbitMQ server.`,
      );
  return { redis: toRedisConfig(url, {}) };
}

function onAmqp(url: string, { results = "rpc://", maxPriority, queueType }: CeleryOptions): CeleryOnAmqp {
  if (maxPriority !== undefined && !(Number.isInteger(maxPriority) && maxPriority >= 1 && maxPriority <= 255))
    throw new DeclarationError(
      `celery(): maxPriority must be an integer from 1 to 255, such as 10, but got ${formatValue(maxPriority)}.`,
    );
  if (queueType !== undefined && queueType !== "classic" && queueType !== "quorum")
    throw new DeclarationError(`celery(): queueType must be "classic" or "quorum", but got ${formatValue(queueType)}.`);
  if (queueType === "quorum" && maxPriority !== undefined)
    throw new DeclarationError("celery(): a quorum queue has no maxPriority. Leave one of the two out.");
  return { amqp: toAmqpServer(url, "celery() on RabbitMQ"), results: toResults(results), maxPriority, queueType };
}

function toResults(results: unknown): "rpc" | RedisConfig {
  if (results === "rpc" || results === "rpc://") return "rpc";
  if (isUrl(results, /^rediss?:\/\//)) return toRedisConfig(results, {});
  throw new DeclarationError(
    'celery(): results must be "rpc://" or the URL of a Redis server, such as "redis://127.0.0.1:6379/0", as Celery\'s result_backend.',
  );
}

function isUrl(value: unknown, scheme: RegExp): value is string {
  return typeof value === "string" && scheme.test(value) && URL.canParse(value);
}
