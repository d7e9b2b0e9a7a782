import { AfterwordError } from "../internal/afterword-error.ts";
import type { Broker } from "../tasks/broker.ts";
import { celery } from "./celery/index.ts";
import { memory } from "./memory/index.ts";
import { postgres } from "./postgres/index.ts";
import { rabbitmq } from "./rabbitmq/index.ts";
import { redis } from "./redis/index.ts";
import { sqlite } from "./sqlite/index.ts";

/** How a broker is written as one text, and what makes it of that. */
const schemes: Readonly<Record<string, (url: string) => Broker>> = {
  memory: () => memory(),
  sqlite: (url) => sqlite(url.replace(/^sqlite:(?:\/\/(?=\/|[^/]))?/, "")),
  redis,
  rediss: redis,
  postgres,
  postgresql: postgres,
  amqp: (url) => rabbitmq(url, resultsFromEnvironment()),
  amqps: (url) => rabbitmq(url, resultsFromEnvironment()),
  "celery+redis": (url) => celery(url.slice("celery+".length)),
  "celery+rediss": (url) => celery(url.slice("celery+".length)),
  "celery+amqp": celeryOnRabbitmq,
  "celery+amqps": celeryOnRabbitmq,
};

/** Celery's results are no broker's: `AFTERWORD_RESULTS` is its `result_backend`. */
function celeryOnRabbitmq(url: string): Broker {
  const results = process.env.AFTERWORD_RESULTS;
  return celery(url.slice("celery+".length), results === undefined || results === "" ? {} : { results });
}

/** What keeps the results of a broker that does not: the broker that `AFTERWORD_RESULTS` names. */
function resultsFromEnvironment(): { readonly results?: Broker } {
  const url = process.env.AFTERWORD_RESULTS;
  return url === undefined || url === "" ? {} : { results: brokerFromUrl(url, "AFTERWORD_RESULTS") };
}

/**
 * The broker that a text names: `sqlite:tasks.db`, `sqlite:/var/lib/app/tasks.db`, `redis://host:6379`,
 * `postgres://user:password@host/database`, `amqp://user:password@host/vhost` (with the broker for its results in
 * `AFTERWORD_RESULTS`), `celery+redis://host:6379/0`, `celery+amqp://host` (with `rpc://` or a `redis://` URL in
 * `AFTERWORD_RESULTS`), `memory:`.
 *
 * @param from - where the text comes from, for the error: `AFTERWORD_BROKER`
 * @throws {AfterwordError} with code `invalid_broker_url`
 */
export function brokerFromUrl(url: string, from: string): Broker {
  const scheme = /^([a-z][a-z0-9+]*):/.exec(url)?.[1];
  if (scheme !== undefined && Object.hasOwn(schemes, scheme)) return schemes[scheme]!(url);
  throw new AfterwordError(
    "invalid_broker_url",
    `${from} must name a broker, such as sqlite:tasks.db, redis://127.0.0.1:6379, postgres://127.0.0.1/app or amqp://127.0.0.1, but is ${JSON.stringify(url)}.`,
  );
}

/** The broker that the environment variable `AFTERWORD_BROKER` names; without it, memory. */
export function brokerFromEnvironment(): Broker {
  const url = process.env.AFTERWORD_BROKER;
  return url === undefined || url === "" ? memory() : brokerFromUrl(url, "AFTERWORD_BROKER");
}
