import { connect, type ChannelModel } from "amqplib";
import type { CeleryOptions } from "afterword/celery";
import { RabbitmqNode } from "../../support/rabbitmq-node.ts";
import { Fleet } from "./fleet.ts";

/** The same on a RabbitMQ server of its own, with results and the ledger in Redis. */
export class AmqpFleet extends Fleet {
  #node: RabbitmqNode | undefined;
  #model: ChannelModel | undefined;

  /** With the virtual host, without which Celery takes one with an empty name. */
  override get place(): CeleryOptions & { readonly url: string } {
    return { url: Object.assign(new URL(this.#node!.url), { pathname: "/%2F" }).href, results: this.redisUrl };
  }

  /** Takes some seconds: the server is started. */
  override async open(): Promise<void> {
    this.#node = await RabbitmqNode.start();
    this.#model = await connect(this.#node.url);
    await super.open();
  }

  override async clear(): Promise<void> {
    await super.clear();
    await this.#ask((channel) => channel.purgeQueue("kills"));
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#model?.close();
    await this.#node?.dispose();
  }

  override async waiting(): Promise<number> {
    return (await this.#ask((channel) => channel.checkQueue("kills"))).messageCount;
  }

  /** What workers have is not seen: it waits again when they end. */
  override unfinished(): Promise<number> {
    return this.waiting();
  }

  async #ask<T>(question: (channel: Awaited<ReturnType<ChannelModel["createChannel"]>>) => Promise<T>): Promise<T> {
    const channel = await this.#model!.createChannel();
    try {
      return await question(channel);
    } finally {
      await channel.close();
    }
  }
}
