import { DeclarationError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";
import type { Broker } from "../../tasks/broker.ts";
import { PulledBroker } from "../pulled/pulled-broker.ts";

/** What `rabbitmq(url, options)` takes. */
export interface RabbitmqOptions {
  /**
   * Where the server is: `amqp://user:password@host:5672/vhost`, or `amqps://…` for TLS.
   *
   * @defaultValue `"amqp://guest:guest@127.0.0.1:5672"`
   */
  readonly url?: string;
  /**
   * Another broker that keeps what a queue cannot: status and results, cancellation, unique keys, limits, schedules, flows. Every
   * process that stores or runs these jobs needs the same. Jobs go through RabbitMQ all the same.
   *
   * @defaultValue none: jobs run and are retried, and nobody can be asked about them
   */
  readonly results?: Broker;
  /**
   * Quorum queues keep jobs on several nodes of a cluster and need one queue for each priority; classic queues are one per name
   * and live on one node.
   *
   * @defaultValue `"quorum"`
   */
  readonly queues?: "quorum" | "classic";
  /** What the names of all queues and exchanges begin with. @defaultValue `"afterword."` */
  readonly prefix?: string;
}

/** A server of RabbitMQ, and who speaks with it. */
export interface AmqpServer {
  readonly url: string;
  /** For people: without user and password. */
  readonly address: string;
  /** As it stands in errors: `"rabbitmq()"`. */
  readonly caller: string;
}

/** {@link RabbitmqOptions} with everything decided. */
export interface RabbitmqConfig extends AmqpServer {
  readonly results: PulledBroker | undefined;
  readonly queues: "quorum" | "classic";
  readonly prefix: string;
}

/** Seconds; the server gives up a connection that was silent for about three times as long. */
const heartbeat = "15";

const names = ["url", "results", "queues", "prefix"];

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toRabbitmqConfig(first: string | RabbitmqOptions, second: RabbitmqOptions): RabbitmqConfig {
  const options: RabbitmqOptions = typeof first === "string" ? { ...toObject(second), url: first } : toObject(first);
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw new DeclarationError(`rabbitmq() has no option ${JSON.stringify(name)}. It has ${names.join(", ")}.`);
  const { results, queues = "quorum", prefix = "afterword." } = options;
  const server = toAmqpServer(options.url ?? "amqp://guest:guest@127.0.0.1:5672", "rabbitmq()");
  if (queues !== "quorum" && queues !== "classic")
    throw new DeclarationError(`rabbitmq(): queues must be "quorum" or "classic", but got ${formatValue(queues)}.`);
  if (typeof prefix !== "string" || /[\p{Cc}*#]/u.test(prefix) || prefix.length > 64)
    throw new DeclarationError(
      `rabbitmq(): prefix must be a text of up to 64 characters, without * and #, such as "afterword.", but got ${formatValue(prefix)}.`,
    );
  return { ...server, results: toResults(results), queues, prefix };
}

function toObject(options: unknown): RabbitmqOptions {
  if (typeof options === "object" && options !== null) return options;
  throw new DeclarationError(
    `rabbitmq() expects a URL such as "amqp://guest:guest@127.0.0.1:5672" or an object of options, but got ${formatValue(options)}.`,
  );
}

/** @throws {DeclarationError} for what is no URL of such a server */
export function toAmqpServer(url: unknown, caller: string): AmqpServer {
  if (typeof url === "string" && /^amqps?:\/\//.test(url) && URL.canParse(url)) {
    const parsed = new URL(url);
    if (!parsed.searchParams.has("heartbeat")) parsed.searchParams.set("heartbeat", heartbeat);
    return { url: parsed.href, address: parsed.host, caller };
  }
  // Never the text itself: it may hold a password.
  throw new DeclarationError(
    `${caller} expects a URL that begins with amqp:// or amqps://, such as "amqp://guest:guest@127.0.0.1:5672".`,
  );
}

function toResults(results: unknown): PulledBroker | undefined {
  if (results === undefined) return undefined;
  if (results instanceof PulledBroker && results.canKeepResults) return results;
  throw new DeclarationError(
    `rabbitmq(): results must be a broker that keeps jobs, such as sqlite("tasks.db"), redis(url) or postgres(url), but got ${formatValue(results)}.`,
  );
}
