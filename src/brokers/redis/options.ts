import type { Redis, RedisOptions as ConnectionOptions } from "ioredis";
import { DeclarationError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";

/** What `redis(url, options)` takes. */
export interface RedisOptions {
  /**
   * Where the server is: `redis://user:password@host:6379/0`, or `rediss://…` for TLS.
   *
   * @defaultValue `"redis://127.0.0.1:6379"`
   */
  readonly url?: string;
  /**
   * Options of ioredis, or a connection of yours whose options are taken over: sentinels, TLS, a socket. What a broker depends on
   * is set by itself, and your connection is left alone.
   */
  readonly connection?: ConnectionOptions | Redis;
  /**
   * What all keys begin with. Give the same to BullMQ's own tools: `new Queue("default", { prefix: "afterword" })`. Brokers with
   * the same prefix on the same database share their jobs.
   *
   * @defaultValue `"afterword"`
   */
  readonly prefix?: string;
  /** How many jobs may wait. Beyond it, storing is refused with `queue_full`, answered as 503. @defaultValue no limit */
  readonly maxQueued?: number;
}

/** {@link RedisOptions} with everything decided. */
export interface RedisConfig {
  readonly url: string | undefined;
  readonly connection: ConnectionOptions;
  /** For people: without a password. */
  readonly address: string;
  readonly prefix: string;
  readonly maxQueued: number | undefined;
}

const names = ["url", "connection", "prefix", "maxQueued"];

/** @throws {DeclarationError} for an unknown option or a wrong value */
export function toRedisConfig(first: string | RedisOptions, second: RedisOptions): RedisConfig {
  const options: RedisOptions = typeof first === "string" ? { ...toObject(second), url: first } : toObject(first);
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw new DeclarationError(`redis() has no option ${JSON.stringify(name)}. It has ${names.join(", ")}.`);
  const { prefix = "afterword", maxQueued } = options;
  if (typeof prefix !== "string" || prefix === "" || /[\p{Cc}:]/u.test(prefix))
    throw new DeclarationError(
      `redis(): prefix must be a text without colons, such as "afterword", but got ${formatValue(prefix)}.`,
    );
  if (maxQueued !== undefined && !(Number.isInteger(maxQueued) && maxQueued >= 0))
    throw new DeclarationError(
      `redis(): maxQueued must be an integer of 0 or more, but got ${formatValue(maxQueued)}.`,
    );
  const connection = toConnectionOptions(options.connection);
  if (connection.keyPrefix)
    throw new DeclarationError(
      "redis(): BullMQ does not work with keyPrefix of ioredis. Give prefix to redis() instead.",
    );
  const hasPlace = options.connection !== undefined && options.url === undefined;
  const url = hasPlace ? undefined : toUrl(options.url ?? "redis://127.0.0.1:6379");
  return { url, connection, address: toAddress(url, connection), prefix, maxQueued };
}

function toObject(options: unknown): RedisOptions {
  if (typeof options === "object" && options !== null) return options;
  throw new DeclarationError(
    `redis() expects a URL such as "redis://127.0.0.1:6379" or an object of options, but got ${formatValue(options)}.`,
  );
}

function toUrl(url: unknown): string {
  if (typeof url === "string" && /^rediss?:\/\//.test(url) && URL.canParse(url)) {
    const { pathname, searchParams } = new URL(url);
    const database = pathname.replace(/^\//, "") || (searchParams.get("db") ?? "0");
    if (/^\d+$/.test(database)) return url;
    throw new DeclarationError(
      `redis() expects the number of a database at the end of its URL, such as redis://127.0.0.1:6379/1, but got ${formatValue(database)}.`,
    );
  }
  // Never the text itself: it may hold a password.
  throw new DeclarationError(
    'redis() expects a URL that begins with redis:// or rediss://, such as "redis://127.0.0.1:6379".',
  );
}

function toConnectionOptions(connection: unknown): ConnectionOptions {
  if (connection === undefined) return {};
  if (typeof connection !== "object" || connection === null)
    throw new DeclarationError(
      `redis(): connection must be options of ioredis or a connection of it, but got ${formatValue(connection)}.`,
    );
  const isRedis = typeof (connection as Partial<Redis>).duplicate === "function";
  return isRedis ? { ...(connection as Redis).options } : { ...(connection as ConnectionOptions) };
}

function toAddress(url: string | undefined, connection: ConnectionOptions): string {
  if (url !== undefined) return new URL(url).host || "127.0.0.1:6379";
  if (connection.path !== undefined) return String(connection.path);
  return `${connection.host ?? "127.0.0.1"}:${connection.port ?? 6379}`;
}
