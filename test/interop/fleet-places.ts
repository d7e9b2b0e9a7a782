import { Redis } from "ioredis";
import type { describe } from "vitest";
import type { CeleryOptions } from "../../src/brokers/celery/index.ts";
import { RabbitmqNode } from "../support/rabbitmq-node.ts";
import { redisUrl, withCelery, withCeleryOnRabbitmq } from "../support/test-servers.ts";

/** Where a fleet of Celery's workers and ours meets, while it stands. */
export interface OpenPlace {
  /** Celery's `broker_url`. */
  readonly url: string;
  /** Celery's `result_backend`. */
  readonly results: string;
  /** What `celery(url, options)` is given to use both. */
  readonly options: CeleryOptions;
  /** The server of the messages, where it is RabbitMQ. */
  readonly node: RabbitmqNode | undefined;
  close(): Promise<void>;
}

/** Servers that Celery can use, and so can we. */
export interface FleetPlace {
  readonly name: string;
  /** Skips where something of it is missing. */
  readonly describe: typeof describe;
  /** Whether it can be known which parts of a group have ended. */
  readonly hasChords: boolean;
  /** Empty. RabbitMQ takes some seconds: a server of its own, as Celery's queues have no prefix. */
  open(): Promise<OpenPlace>;
}

/** @param database - of Redis, for this file of tests alone: Celery's keys have no prefix */
export function fleetPlaces(database: number): readonly FleetPlace[] {
  const redis = Object.assign(new URL(redisUrl), { pathname: `/${database}` }).href;
  return [
    {
      name: "Redis",
      describe: withCelery,
      hasChords: true,
      async open() {
        await flush(redis);
        return { url: redis, results: redis, options: {}, node: undefined, close: () => flush(redis) };
      },
    },
    {
      name: "RabbitMQ with results in Redis",
      describe: withCeleryOnRabbitmq,
      hasChords: true,
      async open() {
        await flush(redis);
        const node = await RabbitmqNode.start();
        const close = async (): Promise<void> => {
          await node.dispose();
          await flush(redis);
        };
        return { url: toCeleryUrl(node.url), results: redis, options: { results: redis }, node, close };
      },
    },
    {
      name: "RabbitMQ with rpc:// results",
      describe: withCeleryOnRabbitmq,
      hasChords: false,
      async open() {
        const node = await RabbitmqNode.start();
        const close = (): Promise<void> => node.dispose();
        return { url: toCeleryUrl(node.url), results: "rpc://", options: {}, node, close };
      },
    },
  ];
}

/** What Python programs of the fixtures read. */
export function pythonEnv({ url, results }: OpenPlace): Readonly<Record<string, string>> {
  return { CELERY_URL: url, CELERY_RESULTS: results };
}

/** Without a virtual host, Celery takes one with an empty name. */
function toCeleryUrl(url: string): string {
  return Object.assign(new URL(url), { pathname: "/%2F" }).href;
}

async function flush(url: string): Promise<void> {
  const client = new Redis(url);
  await client.flushdb();
  client.disconnect();
}
