import { abilities, type Broker } from "../../tasks/broker.ts";
import { PulledBroker } from "../pulled/pulled-broker.ts";
import { toRedisConfig, type RedisOptions } from "./options.ts";

export type { RedisOptions } from "./options.ts";

/**
 * Keeps jobs in Redis through BullMQ, for apps and workers on many machines. Needs the packages `bullmq` 6 and `ioredis` 6, and a
 * server of version 6.2 or later. Jobs live in BullMQ's own keys, so that its tools, such as bull-board, show them.
 *
 * What a stored job survives is decided by the server: with `appendonly yes` and `appendfsync always` its crash, with `everysec`
 * all but the last second. A server that promises less, or may throw keys away, is told of once, as a warning.
 *
 * - `open()` rejects with the code `broker_open_failed` when the server cannot be reached, `missing_package` when a package is.
 * - Everything else rejects with a `StoreError` within two seconds when the server is away, and works again when it is back.
 *
 * @param url - `redis://user:password@host:6379/0`, or the options with the `url` among them
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { App } from "afterword";
 * import { redis } from "afterword/redis";
 *
 * const app = new App({ broker: redis("redis://127.0.0.1:6379") });
 * ```
 */
export function redis(url: string | RedisOptions = {}, options: RedisOptions = {}): Broker {
  const config = toRedisConfig(url, options);
  return new PulledBroker({
    name: "redis",
    load: async () => new (await import("./redis-store.ts")).RedisStore(config),
    isEmbedded: false,
    isDurable: true,
    supports: abilities.filter((ability) => ability !== "transaction"),
  });
}
