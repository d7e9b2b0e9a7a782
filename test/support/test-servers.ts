import { connect } from "amqplib";
import { Redis } from "ioredis";
import { Client } from "pg";
import { describe } from "vitest";
import { hasPrograms } from "./programs.ts";
import { celeryPython } from "./python.ts";
import { rabbitmqPrograms } from "./rabbitmq-node.ts";

/** The servers that tests share. Each test has a database or a prefix of its own on them. */
export const redisUrl: string = process.env.AFTERWORD_TEST_REDIS ?? "redis://127.0.0.1:6379";
export const postgresUrl: string = process.env.AFTERWORD_TEST_POSTGRES ?? "postgres://postgres@127.0.0.1:5432/postgres";
export const rabbitmqUrl: string = process.env.AFTERWORD_TEST_RABBITMQ ?? "amqp://guest:guest@127.0.0.1:5672";

/** In CI nothing is skipped: what is missing there fails. */
const isCI = process.env.CI !== undefined;

const hasRedis = isCI || (await hasPong(redisUrl));
const hasPostgres = isCI || (await hasLogin(postgresUrl));
const hasRabbitmq = isCI || (await hasConnection(rabbitmqUrl));
const hasRedisServer = hasPrograms("redis-server");
const hasPostgresPrograms = hasPrograms("initdb", "pg_ctl");
const hasRabbitmqPrograms = hasPrograms(...rabbitmqPrograms);

/** `describe` for tests that need a server, which are skipped loudly where there is none. */
export const withRedis: typeof describe = only(
  hasRedis,
  `no Redis at ${redisUrl}; start one, or set AFTERWORD_TEST_REDIS`,
);
export const withPostgres: typeof describe = only(
  hasPostgres,
  `no PostgreSQL at ${postgresUrl}; start one, or set AFTERWORD_TEST_POSTGRES`,
);
export const withRabbitmq: typeof describe = only(
  hasRabbitmq,
  `no RabbitMQ at ${new URL(rabbitmqUrl).host}; start one, or set AFTERWORD_TEST_RABBITMQ`,
);
/** For tests that start and stop servers of their own. */
export const withRedisServer: typeof describe = only(hasRedisServer, "no program redis-server");
export const withPostgresPrograms: typeof describe = only(
  hasPostgres && hasPostgresPrograms,
  "no PostgreSQL, or none of its server's programs",
);
export const withPgBouncer: typeof describe = only(
  hasPostgres && hasPrograms("pgbouncer"),
  "no PostgreSQL, or no program pgbouncer",
);
export const withRabbitmqPrograms: typeof describe = only(
  hasRabbitmqPrograms,
  `no programs ${rabbitmqPrograms.join(" and ")}`,
);
export const withRabbitmqAndRedis: typeof describe = only(
  hasRabbitmqPrograms && hasRedisServer,
  `no programs ${rabbitmqPrograms.join(" and ")}, or no redis-server`,
);
/** For tests that run Celery itself, in Python. */
export const withCelery: typeof describe = only(
  isCI || (hasRedis && celeryPython !== undefined),
  "no Redis, or no Python with Celery; install Debian's celery, python3-celery and python3-redis, or set AFTERWORD_TEST_PYTHON",
);

export const withCeleryOnRabbitmq: typeof describe = only(
  isCI || (hasRedis && hasRabbitmqPrograms && celeryPython !== undefined),
  `no Redis, no programs ${rabbitmqPrograms.join(" and ")}, or no Python with Celery; set AFTERWORD_TEST_PYTHON to one`,
);

function only(isThere: boolean, missing: string): typeof describe {
  if (isThere) return describe;
  const skipped = (name: string | Function, ...rest: unknown[]): unknown =>
    (describe.skip as (name: string, ...rest: unknown[]) => unknown)(`${String(name)} [skipped: ${missing}]`, ...rest);
  return Object.assign(skipped, describe, {
    each: describe.skip.each.bind(describe.skip),
  }) as unknown as typeof describe;
}

async function hasLogin(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}

async function hasPong(url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: null, connectTimeout: 1_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

async function hasConnection(url: string): Promise<boolean> {
  try {
    const model = await connect(url, { timeout: 1_000 });
    await model.close();
    return true;
  } catch {
    return false;
  }
}
