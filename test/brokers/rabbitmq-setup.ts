import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "amqplib";
import { rabbitmq } from "../../src/brokers/rabbitmq/index.ts";
import { ladderSteps } from "../../src/brokers/rabbitmq/delay-ladder.ts";
import { sqlite } from "../../src/brokers/sqlite/index.ts";
import type { Broker } from "../../src/tasks/broker.ts";
import type { BrokerSetup } from "../../src/testing/describe-broker/index.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { rabbitmqUrl } from "../support/test-servers.ts";
import { Proxy } from "../support/proxy.ts";
import { lockFile } from "./sqlite-setup.ts";

const workerProgram = fileURLToPath(new URL("fixtures/rabbitmq-worker.ts", import.meta.url));

/** The queues that tests use. */
const knownQueues = ["default", "mail", "images", "reports", "elsewhere", "held", "slow", "another", "a"];
const endings = ["", ".front", ".dead", ...Array.from({ length: 10 }, (_, priority) => `.p${priority}`)];

/** Removes all queues and exchanges that begin with a prefix. */
export async function deleteQueues(prefix: string, queues: readonly string[] = knownQueues): Promise<void> {
  const model = await connect(rabbitmqUrl);
  const channel = await model.createChannel();
  for (const queue of queues) for (const ending of endings) await channel.deleteQueue(`${prefix}${queue}${ending}`);
  for (let step = 0; step < ladderSteps; step++) {
    await channel.deleteQueue(`${prefix}delay.${step}`);
    await channel.deleteExchange(`${prefix}delay.${step}`);
  }
  await channel.deleteExchange(`${prefix}delay.exit`);
  await channel.deleteExchange(`${prefix}delay.made`);
  await model.close();
}

/** What a setup is made with. */
export interface RabbitmqSetupOptions {
  readonly queues: "quorum" | "classic";
  readonly hasResults: boolean;
}

/** A broker on a prefix of its own, and all that the suite can make use of. */
export async function createRabbitmqSetup({ queues, hasResults }: RabbitmqSetupOptions): Promise<BrokerSetup> {
  const prefix = `test-${randomUUID().slice(0, 8)}.`;
  const { hostname, port } = new URL(rabbitmqUrl);
  const proxy = await Proxy.open({ host: hostname, port: Number(port || 5672) });
  const proxyUrl = new URL(rabbitmqUrl);
  proxyUrl.hostname = "127.0.0.1";
  proxyUrl.port = String(proxy.port);
  const file = hasResults ? join(await createTempDirectory(), "results.db") : undefined;
  const create = (url: string): Broker =>
    rabbitmq(url, { prefix, queues, ...(file !== undefined && { results: sqlite(file) }) });
  return {
    broker: create(proxyUrl.href),
    another: async () => create(rabbitmqUrl),
    spawnWorker: async (env) =>
      spawn(
        process.execPath,
        ["--conditions=afterword-source", workerProgram, rabbitmqUrl, prefix, queues, file ?? ""],
        { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, NODE_OPTIONS: "", ...env } },
      ),
    interrupt: async () => {
      proxy.silence();
      const unlock = file === undefined ? undefined : lockFile(file);
      return async () => {
        await unlock?.();
        proxy.restore();
      };
    },
    dispose: async () => {
      await proxy.close();
      await deleteQueues(prefix);
    },
  };
}
