import { connect, type Channel, type ChannelModel, type ConfirmChannel, type Options } from "amqplib";
import { Redis } from "ioredis";
import type { CeleryOptions } from "../../src/brokers/celery/options.ts";
import type { CeleryTransport, DeadLetter, RawResult, WildMessage } from "./celery-transport.ts";
import { RabbitmqNode } from "./rabbitmq-node.ts";
import { redisUrl } from "./test-servers.ts";
import { waitUntil } from "./wait-until.ts";

/** What a client of AMQP can put into the headers of a message. */
const maxHeaderBytes = 60_000;

/** The queues on which delayed messages wait. */
const ladder = Array.from({ length: 28 }, (_, step) => `afterword.delay.${step}`);

/** Celery on a RabbitMQ server of its own, with results in a database of Redis. */
export class AmqpCeleryTransport implements CeleryTransport {
  readonly name: string = "RabbitMQ";
  readonly options: CeleryOptions;
  readonly redis: Redis;
  readonly #letters = new Map<string, DeadLetter[]>();
  /** Whether somebody has made it. */
  #hasLadder = false;
  #delayedBefore = 0;
  #node: RabbitmqNode | undefined;
  #model: ChannelModel | undefined;
  #channel: ConfirmChannel | undefined;

  /** @param maxPriority - Celery's `task_queue_max_priority` */
  constructor(database: number, maxPriority?: number) {
    const results = Object.assign(new URL(redisUrl), { pathname: `/${database}` }).href;
    this.options = { results, ...(maxPriority !== undefined && { maxPriority }) };
    this.redis = new Redis(results, { lazyConnect: true });
  }

  /** With the virtual host, without which Celery takes one with an empty name. */
  get url(): string {
    return Object.assign(new URL(this.#node!.url), { pathname: "/%2F" }).href;
  }

  /** Takes some seconds: the server is started. */
  async open(): Promise<void> {
    await this.redis.connect();
    await this.redis.flushdb();
    this.#node = await RabbitmqNode.start();
    this.#model = await connect(this.#node.url);
    this.#channel = await this.#model.createConfirmChannel();
  }

  async close(): Promise<void> {
    await this.#model?.close();
    await this.#node?.dispose();
    await this.redis.flushdb();
    this.redis.disconnect();
  }

  carries({ headers, contentType, contentEncoding, properties = {} }: WildMessage): boolean {
    const { priority, deliveryMode: _, ...texts } = properties;
    return (
      (headers === undefined || (typeof headers === "object" && headers !== null && !Array.isArray(headers))) &&
      Buffer.byteLength(JSON.stringify(headers ?? {})) <= maxHeaderBytes &&
      [contentType, contentEncoding, ...Object.values(texts)].every((text) => isText(text)) &&
      (priority === undefined || (Number.isInteger(priority) && Number(priority) >= 0 && Number(priority) < 256))
    );
  }

  async push(queue: string, ...messages: readonly WildMessage[]): Promise<void> {
    for (const { headers, body, contentType, contentEncoding, properties } of messages) {
      const described = { contentType: contentType ?? undefined, contentEncoding: contentEncoding ?? undefined };
      const { deliveryMode = 2, ...others } = properties ?? {};
      const options = { headers: headers ?? {}, ...described, deliveryMode, ...toOptions(others) } as Options.Publish;
      this.#channel!.publish("", queue, Buffer.from(body as string), options);
    }
    await this.#channel!.waitForConfirms();
  }

  async dead(queue: string): Promise<readonly DeadLetter[]> {
    const letters = this.#letters.get(queue) ?? [];
    this.#letters.set(queue, letters);
    // Who sets the first aside makes the queue.
    if (!(await this.#has((channel) => channel.checkQueue(`${queue}.dead`)))) return letters;
    for (;;) {
      const letter = await this.#channel!.get(`${queue}.dead`, { noAck: true });
      if (letter === false) return letters;
      const { message } = JSON.parse(String(letter.properties.headers?.afterword_error)) as { message: string };
      letters.push({ reason: message, message: letter.content.toString() });
    }
  }

  async result(id: string): Promise<RawResult | undefined> {
    const text = await this.redis.get(`celery-task-meta-${id}`);
    return text === null ? undefined : (JSON.parse(text) as RawResult);
  }

  /** Those that wait: what a worker has comes back when the worker ends, and is counted then. */
  async unfinished(queue: string): Promise<number> {
    const { messageCount } = await this.#channel!.checkQueue(queue);
    return messageCount + (await this.#delayed()) - this.#delayedBefore;
  }

  async #findLadder(): Promise<boolean> {
    return (this.#hasLadder ||= await this.#has((channel) => channel.checkExchange("afterword.delay.made")));
  }

  async #delayed(): Promise<number> {
    if (!(await this.#findLadder())) return 0;
    const queues = await Promise.all(ladder.map((name) => this.#channel!.checkQueue(name)));
    return queues.reduce((sum, { messageCount }) => sum + messageCount, 0);
  }

  /** What waits for its time stays, and counts no more. The first worker makes the queues that it waits on. */
  async clear(): Promise<void> {
    await waitUntil(() => this.#findLadder(), { withinMs: 30_000, what: "a worker has made the delay ladder" });
    this.#letters.clear();
    this.#delayedBefore = await this.#delayed();
    const keys = await this.redis.keys("*");
    if (keys.length > 0) await this.redis.del(...keys);
  }

  /** Asks on a channel of its own, which the server closes if there is none. */
  async #has(check: (channel: Channel) => Promise<unknown>): Promise<boolean> {
    const channel = await this.#model!.createChannel();
    channel.on("error", () => {});
    try {
      await check(channel);
      await channel.close();
      return true;
    } catch {
      return false;
    }
  }
}

function isText(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "string";
}

/** By the names that the client uses. */
function toOptions(properties: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const name = (key: string): string => key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [name(key), value]));
}
