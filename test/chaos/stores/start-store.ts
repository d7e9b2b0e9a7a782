import type { BrokerSettings, ChaosStore } from "./chaos-store.ts";
import { startPostgresStore } from "./postgres.ts";
import { startRabbitmqStore } from "./rabbitmq.ts";
import { startRedisStore } from "./redis.ts";
import { createSqliteStore } from "./sqlite.ts";

/** @param folder - an empty one: everything is kept in it */
export async function startStore(kind: BrokerSettings["kind"], folder: string): Promise<ChaosStore> {
  switch (kind) {
    case "sqlite":
      return createSqliteStore(folder);
    case "redis":
      return startRedisStore(folder);
    case "postgres":
      return startPostgresStore(folder);
    case "rabbitmq":
      return startRabbitmqStore(folder);
  }
}
