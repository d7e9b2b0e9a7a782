import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import type { CeleryOptions } from "../../src/brokers/celery/options.ts";
import { redisUrl } from "./test-servers.ts";

/** A message as anybody may write one: nothing of it need be right. */
export interface WildMessage {
  readonly headers?: unknown;
  readonly body: string | Uint8Array;
  readonly contentType?: unknown;
  readonly contentEncoding?: unknown;
  /** Beside those that the transport itself needs. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** A message that was set aside. */
export interface DeadLetter {
  readonly reason: string;
  /** As it came. */
  readonly message: string;
}

/** What a result backend holds of a task. */
export interface RawResult {
  readonly status: string;
  readonly result: unknown;
}

/** How tests reach what carries Celery's messages, past everything that would refuse to write wrong ones. */
export interface CeleryTransport {
  readonly name: string;
  /** Celery's `broker_url`. Everything there is the test's own. */
  readonly url: string;
  /** What `celery(url, options)` needs beside it. */
  readonly options: CeleryOptions;
  open(): Promise<void>;
  close(): Promise<void>;
  /** Whether it has a form for a message: not all have one for each kind of value. */
  carries(message: WildMessage): boolean;
  /** Puts messages to the end of a queue, in order and at once. */
  push(queue: string, ...messages: readonly WildMessage[]): Promise<void>;
  dead(queue: string): Promise<readonly DeadLetter[]>;
  result(id: string): Promise<RawResult | undefined>;
  /** How many messages wait for a worker or for their time; also those that are with one, where that can be seen. */
  unfinished(queue: string): Promise<number>;
  /** Forgets all messages and results. */
  clear(): Promise<void>;
}

const steps = ["", "\u0006\u00163", "\u0006\u00166", "\u0006\u00169"];

/** Celery on a database of a Redis server. */
export class RedisCeleryTransport implements CeleryTransport {
  readonly name: string = "Redis";
  readonly options: CeleryOptions = {};
  readonly url: string;
  readonly redis: Redis;

  constructor(database: number) {
    this.url = Object.assign(new URL(redisUrl), { pathname: `/${database}` }).href;
    this.redis = new Redis(this.url, { lazyConnect: true });
  }

  async open(): Promise<void> {
    await this.redis.connect();
    await this.redis.flushdb();
  }

  async close(): Promise<void> {
    await this.redis.flushdb();
    this.redis.disconnect();
  }

  /** Its envelope is JSON. */
  carries(): boolean {
    return true;
  }

  push(queue: string, ...messages: readonly WildMessage[]): Promise<void> {
    return this.pushTexts(queue, ...messages.map((message) => this.toText(queue, message)));
  }

  /** Puts texts to the end of a queue that need not be envelopes. */
  async pushTexts(queue: string, ...texts: readonly (string | Buffer)[]): Promise<void> {
    await this.redis.lpush(queue, ...texts);
  }

  /** The envelope of a message, with changes. */
  toText(queue: string, message: WildMessage, changes: Readonly<Record<string, unknown>> = {}): string {
    const { headers, body, contentType, contentEncoding, properties } = message;
    return JSON.stringify({
      body: Buffer.from(body as string).toString("base64"),
      "content-type": contentType,
      "content-encoding": contentEncoding,
      headers,
      properties: {
        delivery_info: { exchange: "", routing_key: queue },
        delivery_tag: randomUUID(),
        body_encoding: "base64",
        priority: 0,
        ...properties,
      },
      ...changes,
    });
  }

  async dead(queue: string): Promise<readonly DeadLetter[]> {
    const texts = await this.redis.lrange(`${queue}:dead`, 0, -1);
    return texts.map((text) => JSON.parse(text) as DeadLetter);
  }

  async result(id: string): Promise<RawResult | undefined> {
    const text = await this.redis.get(`celery-task-meta-${id}`);
    return text === null ? undefined : (JSON.parse(text) as RawResult);
  }

  async unfinished(queue: string): Promise<number> {
    const waiting = await Promise.all([
      ...steps.map((step) => this.redis.llen(queue + step)),
      this.redis.zcard(`${queue}:delayed`),
    ]);
    const [unacked, index, leases, holds] = await Promise.all([
      this.redis.hlen("unacked"),
      this.redis.zcard("unacked_index"),
      this.redis.zcard("afterword-leases"),
      this.redis.hlen("afterword-holds"),
    ]);
    return waiting.reduce((sum, count) => sum + count) + Math.max(unacked, index, leases, holds);
  }

  async clear(): Promise<void> {
    const keys = await this.redis.keys("*");
    const own = keys.filter((key) => !key.startsWith("_kombu.binding") && key !== "afterword-nodes");
    if (own.length > 0) await this.redis.del(...own);
  }
}
