import { rmSync } from "node:fs";
import { connect } from "amqplib";
import { toRabbitmqConfig } from "../../src/brokers/rabbitmq/options.ts";
import { Topology } from "../../src/brokers/rabbitmq/topology.ts";
import { hasPrograms } from "../../test/support/programs.ts";
import { RabbitmqNode, rabbitmqPrograms } from "../../test/support/rabbitmq-node.ts";
import { bareQueue } from "../peers/amqplib-engine.ts";
import { atExit } from "./at-exit.ts";

/** So many databases there may be at the same time. None is used again at once: a queue that was just deleted is not quite gone. */
const hostCount = 6;

/** A node of RabbitMQ of its own, whose virtual hosts are the databases. Deleted at the end. */
export class RabbitmqServer implements AsyncDisposable {
  readonly version: string;
  readonly #node: RabbitmqNode;
  readonly #free: string[];
  readonly #isGone: () => void;

  /** @returns nothing where it is not installed */
  static async start(): Promise<RabbitmqServer | undefined> {
    if (!hasPrograms(...rabbitmqPrograms)) return undefined;
    const node = await RabbitmqNode.start();
    const hosts = Array.from({ length: hostCount }, (_, index) => `bench${index}`);
    const isGone = atExit(() => {
      if (node.pid !== undefined) process.kill(node.pid, "SIGKILL");
      rmSync(node.folder, { recursive: true, force: true, maxRetries: 5 });
    });
    // One call for all: each starts an Erlang of its own.
    const add = hosts.map(
      (host) =>
        `rabbit_vhost:add(<<"${host}">>, <<"bench">>), rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"${host}">>, <<".*">>, <<".*">>, <<".*">>, <<"bench">>)`,
    );
    await node.control("eval", `${add.join(", ")}.`);
    return new RabbitmqServer((await node.control("version")).trim(), node, hosts, isGone);
  }

  private constructor(version: string, node: RabbitmqNode, hosts: string[], isGone: () => void) {
    this.version = version;
    this.#node = node;
    this.#free = hosts;
    this.#isGone = isGone;
  }

  get pid(): number {
    return this.#node.pid!;
  }

  /** Calls `fn` with the URL of an empty virtual host, and empties it. */
  async withDatabase<T>(fn: (url: string) => Promise<T>): Promise<T> {
    const host = this.#free.shift()!;
    const url = `${this.#node.url}/${host}`;
    try {
      return await fn(url);
    } finally {
      await deleteQueues(url);
      this.#free.push(host);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isGone();
    await this.#node.dispose();
  }
}

async function deleteQueues(url: string): Promise<void> {
  const topology = new Topology(toRabbitmqConfig(url, {}));
  const ours = topology.sourcesOf("default").map(({ name }) => name);
  const model = await connect(url);
  const channel = await model.createChannel();
  for (const name of [...ours, bareQueue, "celery", "nothing"]) await channel.deleteQueue(name);
  await model.close();
}
