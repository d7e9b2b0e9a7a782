import { connect, type Channel, type ChannelModel } from "amqplib";
import { Redis } from "ioredis";
import { ladderSteps } from "../../src/brokers/rabbitmq/delay-ladder.ts";
import { decodeEvents, type CeleryEvent } from "../../src/celery/event.ts";
import type { WireMessage } from "../../src/celery/message.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/celery/redis-envelope.ts";
import { bindingMember } from "../../src/celery/redis-keys.ts";
import type { RabbitmqNode } from "../support/rabbitmq-node.ts";
import type { OpenPlace } from "./fleet-places.ts";

/** The queues of these tests. */
const queues = ["images", "others", "more", "python", "celery"];
const replyExchange = "reply.celery.pidbox";

/** Events that are heard. */
export interface EventWatch {
  readonly events: CeleryEvent[];
  end(): unknown;
}

/** What any program may do with the server that Celery's nodes meet on, past our broker. */
export interface ControlWire {
  /** What a node says of it, in `stats`. */
  readonly place: { readonly transport: string; readonly virtual_host: string };
  /** Asks all nodes. */
  publish(request: WireMessage): Promise<void>;
  /** Sends what is no request. */
  publishText(text: string): Promise<void>;
  /** A queue for replies: what has come to it. */
  replies(id: string): Promise<() => Promise<readonly unknown[]>>;
  hears(nodename: string): Promise<boolean>;
  watchEvents(): Promise<EventWatch>;
  /** How many messages wait in a queue, or to come into it. */
  waiting(queue: string): Promise<number>;
  /** The nodes lose their connections. */
  cut(): Promise<void>;
  /** Nothing of an earlier test is left. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openControlWire({ url, node }: OpenPlace): Promise<ControlWire> {
  return node === undefined ? openOnRedis(url) : openOnRabbitmq(node);
}

async function openOnRedis(url: string): Promise<ControlWire> {
  const redis = new Redis(url, { lazyConnect: true });
  await redis.connect();
  const database = new URL(url).pathname.slice(1);
  const publishText = async (text: string): Promise<void> =>
    void (await redis.publish(`/${database}.celery.pidbox`, text));
  return {
    place: { transport: "redis", virtual_host: database },
    publish: (request) =>
      publishText(
        encodeEnvelope({ ...request, exchange: "celery.pidbox", routingKey: "", deliveryTag: "a tag of ours" }),
      ),
    publishText,
    async replies(id) {
      const queue = `${id}.${replyExchange}`;
      await redis.sadd(`_kombu.binding.${replyExchange}`, bindingMember(id, queue));
      return async () => {
        const texts = await redis.lrange(queue, 0, -1);
        return texts.map((text) => JSON.parse(decodeEnvelope(text).body.toString()) as unknown);
      };
    },
    hears: async (nodename) =>
      (await redis.sismember("_kombu.binding.celery.pidbox", bindingMember("", `${nodename}.celery.pidbox`))) === 1,
    async watchEvents() {
      const watcher = redis.duplicate();
      const events: CeleryEvent[] = [];
      watcher.on("pmessage", (_pattern, _channel, text: string) => events.push(...decodeEvents(decodeEnvelope(text))));
      await watcher.connect();
      await watcher.psubscribe(`/${database}.celeryev/*`);
      return { events, end: () => watcher.disconnect() };
    },
    waiting: async (queue) => (await redis.zcard(`${queue}:delayed`)) + (await redis.llen(queue)),
    async cut() {
      const list = (await redis.client("LIST")) as string;
      const mine = list.split("\n").filter((line) => line.includes("name=afterword-control"));
      for (const line of mine.filter((each) => each.includes(`db=${database} `)))
        await redis.client("KILL", "ID", /id=(\d+)/.exec(line)![1]!);
    },
    reset: async () => void (await redis.flushdb()),
    close: async () => redis.disconnect(),
  };
}

async function openOnRabbitmq(node: RabbitmqNode): Promise<ControlWire> {
  let model: ChannelModel;
  let channel: Channel;
  const open = async (): Promise<void> => {
    model = await connect(node.url);
    model.on("error", () => {});
    channel = await model.createChannel();
    channel.on("error", () => {});
    await channel.assertExchange("celery.pidbox", "fanout", { durable: false });
    await channel.assertExchange(replyExchange, "direct", { durable: false });
    await channel.assertExchange("celeryev", "topic", { durable: true });
  };
  await open();
  /** What the server refuses closes a channel of its own. */
  const ask = async <T>(how: (asker: Channel) => Promise<T>): Promise<T | undefined> => {
    const asker = await model.createChannel();
    asker.on("error", () => {});
    try {
      const answer = await how(asker);
      await asker.close();
      return answer;
    } catch {
      return undefined;
    }
  };
  const count = async (queue: string): Promise<number> =>
    (await ask((asker) => asker.checkQueue(queue)))?.messageCount ?? 0;
  return {
    place: { transport: "amqp", virtual_host: "/" },
    publish: async ({ headers, properties, body }) =>
      void channel.publish("celery.pidbox", "", body, { ...properties, headers }),
    publishText: async (text) => void channel.publish("celery.pidbox", "", Buffer.from(text)),
    async replies(id) {
      const { queue } = await channel.assertQueue("", { exclusive: true });
      await channel.bindQueue(queue, replyExchange, id);
      const answers: unknown[] = [];
      await channel.consume(queue, (message) => answers.push(JSON.parse(message!.content.toString())), { noAck: true });
      return async () => answers;
    },
    hears: async (nodename) =>
      ((await ask((asker) => asker.checkQueue(`${nodename}.celery.pidbox`)))?.consumerCount ?? 0) > 0,
    async watchEvents() {
      const { queue } = await channel.assertQueue("", { exclusive: true });
      await channel.bindQueue(queue, "celeryev", "#");
      const events: CeleryEvent[] = [];
      const { consumerTag } = await channel.consume(
        queue,
        (message) => events.push(...decodeEvents({ ...message!, body: message!.content })),
        { noAck: true },
      );
      return { events, end: () => channel.cancel(consumerTag) };
    },
    async waiting(queue) {
      let sum = await count(queue);
      for (let step = 0; step < ladderSteps; step++) sum += await count(`afterword.delay.${step}`);
      return sum;
    },
    async cut() {
      await node.control("close_all_connections", "on purpose");
      await open();
    },
    async reset() {
      for (const queue of queues) {
        await ask((asker) => asker.deleteQueue(queue));
        await ask((asker) => asker.deleteExchange(queue));
      }
      for (let step = 0; step < ladderSteps; step++) await ask((asker) => asker.purgeQueue(`afterword.delay.${step}`));
    },
    close: () => model.close(),
  };
}
