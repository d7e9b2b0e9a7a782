import { brokerFromUrl } from "../../src/brokers/from-url.ts";
import type { Engine } from "../lib/engine.ts";
import { BrokerEngine } from "./broker-engine.ts";

const engines = {
  broker: (url: string): Promise<Engine> => BrokerEngine.open(brokerFromUrl(url, "The benchmark")),
  graphile: async (url: string): Promise<Engine> => (await import("./graphile-engine.ts")).GraphileEngine.open(url),
  bullmq: async (url: string): Promise<Engine> => (await import("./bullmq-engine.ts")).BullMqEngine.open(url),
  amqplib: async (url: string): Promise<Engine> => (await import("./amqplib-engine.ts")).AmqplibEngine.open(url),
  "amqplib-headers": async (url: string): Promise<Engine> =>
    (await import("./amqplib-engine.ts")).AmqplibEngine.open(url, { hasHeaders: true }),
  "pg-boss": async (url: string): Promise<Engine> => (await import("./pg-boss-engine.ts")).PgBossEngine.open(url),
  "pg-boss-notify": async (url: string): Promise<Engine> =>
    (await import("./pg-boss-engine.ts")).PgBossEngine.open(url, { notify: true }),
  "pg-boss-results": async (url: string): Promise<Engine> =>
    (await import("./pg-boss-engine.ts")).PgBossEngine.open(url, { perJobResults: true }),
};

export type EngineName = keyof typeof engines;

/** @param url - that of a server; for a broker of ours, whatever names one */
export function openEngine(name: EngineName, url: string): Promise<Engine> {
  return engines[name](url);
}
