import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { redis } from "../../src/brokers/redis/index.ts";
import type { BrokerSetup } from "../../src/testing/describe-broker/index.ts";
import { redisUrl } from "../support/test-servers.ts";
import { Proxy } from "../support/proxy.ts";

const workerProgram = fileURLToPath(new URL("fixtures/redis-worker.ts", import.meta.url));

/** The server that the tests share. */
export const serverUrl: string = redisUrl;

/** Forgets everything under a prefix. */
export async function deleteKeys(prefix: string, url: string = serverUrl): Promise<void> {
  const client = new Redis(url);
  for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 1_000 }))
    if ((keys as string[]).length > 0) await client.unlink(...(keys as string[]));
  client.disconnect();
}

/** A broker on a prefix of its own, and all that the suite can make use of. */
export async function createRedisSetup(): Promise<BrokerSetup> {
  const prefix = `test-${randomUUID()}`;
  const { hostname, port } = new URL(serverUrl);
  const proxy = await Proxy.open({ host: hostname, port: Number(port) });
  return {
    broker: redis(proxy.url, { prefix }),
    another: async () => redis(serverUrl, { prefix }),
    spawnWorker: async (env) =>
      spawn(process.execPath, ["--conditions=afterword-source", workerProgram, serverUrl, prefix], {
        stdio: ["ignore", "ignore", "inherit"],
        env: { ...process.env, NODE_OPTIONS: "", ...env },
      }),
    interrupt: async () => {
      proxy.silence();
      return async () => proxy.restore();
    },
    dispose: async () => {
      await proxy.close();
      await deleteKeys(prefix);
    },
  };
}
