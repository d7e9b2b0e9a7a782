import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { describe, onTestFinished } from "vitest";
import { MemoryStore } from "../../src/brokers/memory/memory-store.ts";
import { toPostgresConfig } from "../../src/brokers/postgres/options.ts";
import { PostgresStore } from "../../src/brokers/postgres/postgres-store.ts";
import type { Store } from "../../src/brokers/pulled/store.ts";
import { toRedisConfig } from "../../src/brokers/redis/options.ts";
import { RedisStore } from "../../src/brokers/redis/redis-store.ts";
import { toSqliteConfig } from "../../src/brokers/sqlite/options.ts";
import { SqliteStore } from "../../src/brokers/sqlite/sqlite-store.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { withPostgres, withRedis } from "../support/test-servers.ts";
import { createDatabase, urlOf } from "./postgres-setup.ts";
import { deleteKeys, serverUrl } from "./redis-setup.ts";

/** A store of the pull loop, to be opened and closed by the test. What it stands on goes with the test. */
export interface StoreSetup {
  readonly name: string;
  /** Skips where its server is not there. */
  readonly describe: typeof describe;
  readonly create: () => Promise<Store>;
}

export const stores: readonly StoreSetup[] = [
  { name: "memory", describe, create: async () => new MemoryStore() },
  {
    name: "sqlite",
    describe,
    create: async () =>
      new SqliteStore(toSqliteConfig(join(await createTempDirectory(), "tasks.db"), { synchronous: "normal" })),
  },
  {
    name: "redis",
    describe: withRedis,
    create: async () => {
      const prefix = `test-${randomUUID()}`;
      onTestFinished(() => deleteKeys(prefix));
      return new RedisStore(toRedisConfig({ url: serverUrl, prefix }, {}));
    },
  },
  {
    name: "postgres",
    describe: withPostgres,
    create: async () => {
      const { name, drop } = await createDatabase();
      onTestFinished(drop);
      return new PostgresStore(toPostgresConfig(urlOf(name)));
    },
  },
];
