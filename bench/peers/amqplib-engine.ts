import { connect, type ChannelModel, type ConfirmChannel, type Options } from "amqplib";
import { toCarriedJob } from "../../src/brokers/carried/carried-job.ts";
import { encodeJob } from "../../src/brokers/carried/job-message.ts";
import type { Engine, Working } from "../lib/engine.ts";
import { toJob } from "./broker-engine.ts";

/** What jobs of nobody else are in. */
export const bareQueue = "bare";

/** How amqplib is used, where there is a choice. */
export interface AmqplibSettings {
  /** Whether messages have the headers that a job of ours has, in place of none. */
  readonly hasHeaders?: boolean;
}

interface Message {
  readonly body: Buffer;
  readonly options: Options.Publish;
}

/** amqplib by itself: persistent messages on a quorum queue, each confirmed, and each acknowledged when it was run. */
export class AmqplibEngine implements Engine {
  readonly #url: string;
  readonly #model: ChannelModel;
  readonly #channel: ConfirmChannel;
  readonly #toMessage: (value: number) => Message;

  static async open(url: string, settings: AmqplibSettings = {}): Promise<AmqplibEngine> {
    const model = await connect(url);
    const channel = await model.createConfirmChannel();
    await channel.assertQueue(bareQueue, { durable: true, arguments: { "x-queue-type": "quorum" } });
    return new AmqplibEngine(url, model, channel, settings);
  }

  private constructor(
    url: string,
    model: ChannelModel,
    channel: ConfirmChannel,
    { hasHeaders = false }: AmqplibSettings,
  ) {
    this.#url = url;
    this.#model = model;
    this.#channel = channel;
    this.#toMessage = hasHeaders ? toOwnMessage : toPlainMessage;
  }

  addBatch(count: number): Promise<unknown> {
    return Promise.all(Array.from({ length: count }, () => this.add(1)));
  }

  add(addedAtMs: number): Promise<unknown> {
    const { body, options } = this.#toMessage(addedAtMs);
    return new Promise<void>((resolve, reject) =>
      this.#channel.publish("", bareQueue, body, options, (error: Error | null) => (error ? reject(error) : resolve())),
    );
  }

  async work(concurrency: number, onRun: (addedAtMs: number) => void): Promise<Working> {
    const model = await connect(this.#url);
    const channel = await model.createChannel();
    await channel.prefetch(concurrency);
    const { consumerTag } = await channel.consume(bareQueue, (message) => {
      if (message === null) return;
      const [value] = JSON.parse(message.content.toString()) as readonly [number | readonly [number]];
      onRun(typeof value === "number" ? value : value[0]);
      channel.ack(message);
    });
    return {
      stop: async () => {
        await channel.cancel(consumerTag);
        await model.close();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model.close();
  }
}

function toPlainMessage(value: number): Message {
  return { body: Buffer.from(JSON.stringify([value])), options: { persistent: true, contentType: "application/json" } };
}

function toOwnMessage(value: number): Message {
  const { body, headers, properties } = encodeJob(toCarriedJob({ ...toJob(), args: `[${value}]` }, Date.now()));
  return { body: Buffer.from(body), options: { ...properties, headers, persistent: true } };
}
