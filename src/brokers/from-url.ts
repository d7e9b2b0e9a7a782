import { AfterwordError } from "../internal/afterword-error.ts";
import type { Broker } from "../tasks/broker.ts";
import { memory } from "./memory/index.ts";
import { sqlite } from "./sqlite/index.ts";

/** How a broker is written as one text, and what makes it of what stands after the colon. */
const schemes: Readonly<Record<string, (rest: string) => Broker>> = {
  memory: () => memory(),
  sqlite: (rest) => sqlite(rest.replace(/^\/\/(?=\/|[^/])/, "")),
};

/**
 * The broker that a text names: `sqlite:tasks.db`, `sqlite:/var/lib/app/tasks.db`, `memory:`.
 *
 * @param from - where the text comes from, for the error: `AFTERWORD_BROKER`
 * @throws {AfterwordError} with code `invalid_broker_url`
 */
export function brokerFromUrl(url: string, from: string): Broker {
  const match = /^([a-z][a-z0-9+]*):(.*)$/s.exec(url);
  const create = match && Object.hasOwn(schemes, match[1]!) ? schemes[match[1]!] : undefined;
  if (create) return create(match![2]!);
  throw new AfterwordError(
    "invalid_broker_url",
    `${from} must name a broker, such as sqlite:tasks.db or memory:, but is ${JSON.stringify(url)}.`,
  );
}

/** The broker that the environment variable `AFTERWORD_BROKER` names; without it, memory. */
export function brokerFromEnvironment(): Broker {
  const url = process.env.AFTERWORD_BROKER;
  return url === undefined || url === "" ? memory() : brokerFromUrl(url, "AFTERWORD_BROKER");
}
