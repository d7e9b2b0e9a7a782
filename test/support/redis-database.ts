import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { redisUrl } from "./test-servers.ts";

/** The address of an empty database of the Redis that tests share. It is the test's own, and emptied at its end. */
export async function takeRedisDatabase(): Promise<string> {
  const url = new URL(redisUrl);
  for (let index = 15; index > 0; index--) {
    url.pathname = `/${index}`;
    const isFree = await askRedis(url.href, async (client) => {
      // Two tests may look at the same time: the one that sets the key has it.
      if ((await client.dbsize()) > 0) return false;
      return (await client.set("taken-by-a-test", "1", "EX", 300, "NX")) === "OK";
    });
    if (!isFree) continue;
    const database = url.href;
    onTestFinished(() => askRedis(database, async (client) => void (await client.flushdb())));
    return database;
  }
  throw new Error("No database from 1 to 15 of the Redis server is empty.");
}

async function askRedis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: null });
  client.on("error", () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}
