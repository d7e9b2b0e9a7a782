import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { celery } from "../../src/brokers/celery/index.ts";
import type { BrokerSetup } from "../../src/testing/describe-broker/index.ts";
import { Proxy } from "../support/proxy.ts";

const workerProgram = fileURLToPath(new URL("fixtures/celery-worker.ts", import.meta.url));

/**
 * An empty database, and all that the suite can make use of.
 *
 * @param url - of a server that nobody else uses
 */
export async function createCelerySetup(url: string): Promise<BrokerSetup> {
  const { hostname, port } = new URL(url);
  await empty(url);
  const proxy = await Proxy.open({ host: hostname, port: Number(port) });
  return {
    broker: celery(proxy.url),
    another: async () => celery(url),
    spawnWorker: async (env) =>
      spawn(process.execPath, ["--conditions=afterword-source", workerProgram, url], {
        stdio: ["ignore", "ignore", "inherit"],
        env: { ...process.env, NODE_OPTIONS: "", ...env },
      }),
    interrupt: async () => {
      proxy.silence();
      return async () => proxy.restore();
    },
    dispose: async () => {
      await proxy.close();
      await empty(url);
    },
  };
}

async function empty(url: string): Promise<void> {
  const client = new Redis(url);
  await client.flushdb();
  client.disconnect();
}
