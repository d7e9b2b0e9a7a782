import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { connect, type ChannelModel } from "amqplib";
import { Redis } from "ioredis";
import { celery, type CeleryOptions } from "../../src/brokers/celery/index.ts";
import { ladderSteps } from "../../src/brokers/rabbitmq/delay-ladder.ts";
import type { Broker } from "../../src/tasks/broker.ts";
import type { BrokerSetup } from "../../src/testing/describe-broker/index.ts";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";
import { waitUntil } from "../support/wait-until.ts";
import { Proxy } from "../support/proxy.ts";

const workerProgram = fileURLToPath(new URL("fixtures/celery-worker.ts", import.meta.url));

/** The queues that the suite uses. */
const queues = ["default", "mail", "images", "reports", "elsewhere", "held", "slow", "another", "a", "celery"];

/** Servers that nobody else uses: Celery's queues and keys have no prefix. */
export interface CeleryServers {
  readonly amqp: string;
  /** Where results are; `undefined` for `rpc://`. */
  readonly redis: string | undefined;
}

/** Empty queues and an empty database, and all that the suite can make use of. */
export async function createCeleryAmqpSetup(servers: CeleryServers, options: CeleryOptions = {}): Promise<BrokerSetup> {
  await empty(servers);
  const proxies: Proxy[] = [];
  const proxied = async (url: string): Promise<string> => {
    const { hostname, port } = new URL(url);
    const proxy = await Proxy.open({ host: hostname, port: Number(port) });
    proxies.push(proxy);
    return Object.assign(new URL(url), { hostname: "127.0.0.1", port: `${proxy.port}` }).href;
  };
  const create = (amqp: string, redis: string | undefined): Broker =>
    celery(amqp, { ...options, ...(redis !== undefined && { results: redis }) });
  const { amqp, redis } = servers;
  const broker = create(await proxied(amqp), redis && (await proxied(redis)));
  const dispose = async (): Promise<void> => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await empty(servers);
  };
  const setup: BrokerSetup = {
    broker,
    interrupt: async () => {
      for (const proxy of proxies) proxy.silence();
      return async () => proxies.forEach((proxy) => proxy.restore());
    },
    dispose,
  };
  // What results are known of to one process alone cannot be asked for from another.
  if (redis === undefined) return setup;
  return {
    ...setup,
    another: async () => create(amqp, redis),
    spawnWorker: async (env) =>
      spawn(
        process.execPath,
        ["--conditions=afterword-source", workerProgram, amqp, JSON.stringify({ ...options, results: redis })],
        { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, NODE_OPTIONS: "", ...env } },
      ),
  };
}

/** Has the delay ladder made, which takes a moment with the first delay on a server. */
export async function climbOnce(amqp: string): Promise<void> {
  const broker = celery(amqp);
  await broker.open();
  await waitUntil(
    () =>
      broker.enqueue({ jobs: [createSampleJob({ delayMs: 3_600_000 })] }).then(
        () => true,
        () => false,
      ),
    { withinMs: 60_000, what: "the delay ladder is made" },
  );
  await broker.close();
}

/** Removes what a test has left in the queues, and what waits for its time. */
async function empty({ amqp, redis }: CeleryServers): Promise<void> {
  const model = await connect(amqp);
  const channel = await model.createChannel();
  // What is just leaving it needs its queue: otherwise it would come later, to another test.
  await emptyLadder(model);
  for (const queue of queues) {
    await channel.deleteQueue(queue);
    await channel.deleteQueue(`${queue}.dead`);
    await channel.deleteExchange(queue);
  }
  await model.close();
  if (redis === undefined) return;
  const client = new Redis(redis);
  await client.flushdb();
  client.disconnect();
}

async function emptyLadder(model: ChannelModel): Promise<void> {
  const channel = await model.createChannel();
  channel.on("error", () => {});
  const steps = Array.from({ length: ladderSteps }, (_, step) => `afterword.delay.${step}`);
  try {
    await waitUntil(async () => {
      let count = 0;
      for (const step of steps) {
        await channel.purgeQueue(step);
        count += (await channel.checkQueue(step)).messageCount;
      }
      return count === 0;
    });
  } catch (error) {
    // Nothing has waited yet.
    if ((error as { readonly code?: unknown }).code !== 404) throw error;
  }
}
