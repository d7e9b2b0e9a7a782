import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { connect, type Channel, type ChannelModel, type GetMessage, type Options } from "amqplib";
import { onTestFinished } from "vitest";
import { rabbitmq, type RabbitmqOptions } from "../../src/brokers/rabbitmq/index.ts";
import type { Broker, Consumer } from "../../src/tasks/broker.ts";
import type { Execute } from "../../src/tasks/delivery.ts";
import type { NewJob } from "../../src/tasks/job.ts";
import { pass, waitUntil } from "../../src/testing/describe-broker/wait.ts";
import { rabbitmqUrl } from "../support/test-servers.ts";
import { deleteQueues } from "./rabbitmq-setup.ts";

export interface RigOptions extends Omit<RabbitmqOptions, "url" | "prefix"> {
  /** @defaultValue the server that tests share, where the queues are deleted at the end */
  readonly url?: string;
  /** How messages of the test itself reach the server. @defaultValue the same */
  readonly directUrl?: string;
}

export interface RigConsumeOptions {
  readonly slots?: number;
  readonly queues?: readonly string[];
  readonly maxDeliveries?: number;
  readonly leaseMs?: number;
  readonly broker?: Broker;
}

/** A broker on a prefix of its own, and the queues of the server behind it. Closed when the test has finished. */
export class RabbitmqRig {
  readonly prefix: string = `test-${randomUUID().slice(0, 8)}.`;
  readonly broker: Broker;
  /** What consumers were told. */
  readonly errors: { readonly code?: string; readonly message: string }[] = [];
  readonly #options: RigOptions;
  readonly #others: Broker[] = [];
  #model: ChannelModel | undefined;
  #channel: Channel | undefined;

  static async open(options: RigOptions = {}): Promise<RabbitmqRig> {
    const rig = new RabbitmqRig(options);
    await rig.broker.open();
    onTestFinished(() => rig.#close());
    return rig;
  }

  private constructor(options: RigOptions) {
    this.#options = options;
    this.broker = this.#create();
  }

  /** One more broker on the same queues. */
  async another(): Promise<Broker> {
    const broker = this.#create();
    await broker.open();
    this.#others.push(broker);
    return broker;
  }

  consume(execute: Execute, options: RigConsumeOptions = {}): Consumer {
    const { slots = 1, queues = ["default"], maxDeliveries = 3, leaseMs = 30_000, broker = this.broker } = options;
    return broker.consume(
      {
        worker: { id: randomUUID(), host: hostname(), pid: process.pid, queues, slots },
        slots,
        queues,
        leaseMs,
        maxDeliveries,
        onError: (error) => this.errors.push(error as Error),
      },
      execute,
    );
  }

  /** Stores jobs, as soon as the server takes them: it may be away, or busy with making queues. */
  async store(jobs: readonly NewJob[]): Promise<void> {
    await waitUntil(
      () =>
        this.broker.enqueue({ jobs }).then(
          () => true,
          () => false,
        ),
      20_000,
      "the jobs are stored",
    );
  }

  /** What a queue of jobs is called on the server. */
  nameOf(queue: string): string {
    return `${this.prefix}${queue}`;
  }

  /** Sends a message past the broker. */
  async publish(queue: string, body: Buffer | string, options: Options.Publish = {}): Promise<void> {
    const channel = await this.channel();
    channel.sendToQueue(this.nameOf(queue), Buffer.from(body), options);
  }

  /** As a program of Celery's sends a task. */
  publishCall(
    call: { readonly id: string; readonly task: string; readonly [header: string]: unknown },
    args: readonly unknown[] = [],
    kwargs: object = {},
  ): Promise<void> {
    const embed = { callbacks: null, errbacks: null, chain: null, chord: null };
    return this.publish("default", JSON.stringify([args, kwargs, embed]), {
      contentType: "application/json",
      contentEncoding: "utf-8",
      headers: call,
    });
  }

  /** Takes a message from a queue, once there is one. */
  async take(queue: string): Promise<GetMessage> {
    let message: GetMessage | undefined;
    await waitUntil(async () => (message = await this.#get(queue)) !== undefined, 10_000, `${queue} has a message`);
    return message!;
  }

  /** How many messages of a queue wait; none where it is not made yet. */
  async count(queue: string): Promise<number> {
    return (await this.#unlessMissing((channel) => channel.checkQueue(this.nameOf(queue))))?.messageCount ?? 0;
  }

  async untilMade(queue: string): Promise<void> {
    const find = (): Promise<unknown> => this.#unlessMissing((channel) => channel.checkQueue(this.nameOf(queue)));
    await waitUntil(async () => (await find()) !== undefined, 10_000, `${queue} is made`);
  }

  async untilCount(queue: string, count: number, withinMs = 10_000): Promise<void> {
    await waitUntil(async () => (await this.count(queue)) === count, withinMs, `${queue} has ${count} messages`);
  }

  /** A channel of the test's own, past the broker. */
  async channel(): Promise<Channel> {
    if (this.#channel === undefined) {
      await this.#model?.close().catch(() => {});
      this.#model = await connect(this.#options.directUrl ?? this.#options.url ?? rabbitmqUrl);
      this.#model.on("error", () => {});
      this.#channel = await this.#model.createChannel();
      this.#channel.on("error", () => {});
      this.#channel.on("close", () => (this.#channel = undefined));
    }
    return this.#channel;
  }

  async #get(queue: string): Promise<GetMessage | undefined> {
    const message = await this.#unlessMissing((channel) => channel.get(this.nameOf(queue), { noAck: true }));
    return message || undefined;
  }

  async #unlessMissing<T>(ask: (channel: Channel) => Promise<T>): Promise<T | undefined> {
    for (let tries = 1; ; tries++)
      try {
        return await ask(await this.channel());
      } catch (error) {
        if ((error as { readonly code?: unknown }).code === 404) return undefined;
        // A quorum queue that is just being made may end the connection of whoever asks for it.
        if (tries === 5) throw error;
        await pass(50);
      }
  }

  #create(): Broker {
    const { url = rabbitmqUrl, directUrl: _, ...options } = this.#options;
    return rabbitmq(url, { ...options, prefix: this.prefix });
  }

  async #close(): Promise<void> {
    for (const broker of [...this.#others, this.broker]) await broker.close();
    await this.#model?.close().catch(() => {});
    if (this.#options.url === undefined) await deleteQueues(this.prefix, ["default", "mail"]);
  }
}
