import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { App, memory, sqlite, type AppOptions, type Broker, type RunningServer } from "afterword";
import { celery } from "afterword/celery";
import { dashboard, type DashboardOptions } from "afterword/dashboard";
import { postgres } from "afterword/postgres";
import { rabbitmq } from "afterword/rabbitmq";
import { redis } from "afterword/redis";
import { describe } from "vitest";
import { createDatabase, urlOf } from "../brokers/postgres-setup.ts";
import { deleteQueues } from "../brokers/rabbitmq-setup.ts";
import { deleteKeys } from "../brokers/redis-setup.ts";
import { RabbitmqNode } from "../support/rabbitmq-node.ts";
import { takeRedisDatabase } from "../support/redis-database.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import {
  rabbitmqUrl,
  redisUrl,
  withPostgres,
  withRabbitmq,
  withRabbitmqAndRedis,
  withRedis,
} from "../support/test-servers.ts";
import { waitUntil } from "../support/wait-until.ts";

/** A broker for a test, and what takes away all that it has left. */
export interface Place {
  readonly broker: Broker;
  readonly dispose: () => Promise<void>;
}

/** A kind of broker that a dashboard can show. */
export interface PlaceKind {
  readonly name: string;
  /** Skips where its server is not there. */
  readonly describe: typeof describe;
  readonly create: () => Promise<Place>;
}

const nothing = async (): Promise<void> => {};
const file = async (): Promise<string> => join(await createTempDirectory(), "tasks.db");

export const onSqlite: PlaceKind = {
  name: "sqlite",
  describe,
  create: async () => ({ broker: sqlite(await file()), dispose: nothing }),
};

export const onRedis: PlaceKind = {
  name: "redis",
  describe: withRedis,
  create: async () => {
    const prefix = `test-${randomUUID()}`;
    return { broker: redis(redisUrl, { prefix }), dispose: () => deleteKeys(prefix) };
  },
};

export const onPostgres: PlaceKind = {
  name: "postgres",
  describe: withPostgres,
  create: async () => {
    const { name, drop } = await createDatabase();
    return { broker: postgres(urlOf(name)), dispose: drop };
  },
};

export const onRabbitmq: PlaceKind = {
  name: "rabbitmq with results",
  describe: withRabbitmq,
  create: async () => {
    const prefix = `test-${randomUUID().slice(0, 8)}.`;
    return {
      broker: rabbitmq(rabbitmqUrl, { prefix, results: sqlite(await file()) }),
      dispose: () => deleteQueues(prefix),
    };
  },
};

/** It keeps no state of its jobs. */
export const onRabbitmqAlone: PlaceKind = {
  name: "rabbitmq without results",
  describe: withRabbitmq,
  create: async () => {
    const prefix = `test-${randomUUID().slice(0, 8)}.`;
    return { broker: rabbitmq(rabbitmqUrl, { prefix }), dispose: () => deleteQueues(prefix) };
  },
};

/** It knows a job by its id alone. */
export const onCelery: PlaceKind = {
  name: "celery",
  describe: withRedis,
  create: async () => ({ broker: celery(await takeRedisDatabase()), dispose: nothing }),
};

export const onCeleryOnRabbitmq: PlaceKind = {
  name: "celery on RabbitMQ",
  describe: withRabbitmqAndRedis,
  create: async () => {
    const [node, results] = await Promise.all([RabbitmqNode.start(), takeRedisDatabase()]);
    return { broker: celery(node.url, { results }), dispose: () => node.dispose() };
  },
};

export const onMemory: PlaceKind = {
  name: "memory",
  describe,
  create: async () => ({ broker: memory(), dispose: nothing }),
};

/** Those that can do everything that the dashboard shows. */
export const ablePlaces: readonly PlaceKind[] = [onMemory, onSqlite, onRedis, onPostgres, onRabbitmq];

/** An answer of the dashboard's API. */
export interface ApiAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/** An app that runs jobs, with a dashboard at `/dashboard/`, and a client of its API. */
export interface Stage extends AsyncDisposable {
  readonly app: App;
  readonly broker: Broker;
  readonly server: RunningServer;
  /** Where the page is. */
  readonly url: string;
  get<T>(path: string): Promise<ApiAnswer<T>>;
  post<T>(path: string, body?: unknown): Promise<ApiAnswer<T>>;
  /** Resolves when the jobs of these ids have the status. */
  reached(status: string, ...ids: readonly string[]): Promise<void>;
}

export async function openStage(
  kind: PlaceKind,
  options: DashboardOptions & { readonly app?: AppOptions } = {},
): Promise<Stage> {
  const { broker, dispose } = await kind.create();
  const { app: appOptions, ...rest } = options;
  const app = new App({ broker, worker: { concurrency: 4 }, background: { onError: () => {} }, ...appOptions });
  app.mount("/dashboard", dashboard(rest));
  const server = await app.listen({ port: 0, signals: false });
  const url = `${server.url}/dashboard/`;
  const ask = async <T>(path: string, init?: RequestInit): Promise<ApiAnswer<T>> => {
    const response = await fetch(`${url}api/${path}`, init);
    const text = await response.text();
    return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as T };
  };
  return {
    app,
    broker,
    server,
    url,
    get: (path) => ask(path),
    post: (path, body = {}) =>
      ask(path, {
        method: "POST",
        headers: { "content-type": "application/json", "x-afterword-dashboard": "1" },
        body: JSON.stringify(body),
      }),
    reached: (status, ...ids) =>
      waitUntil(async () => (await broker.get({ ids })).every((job) => job?.status === status), {
        withinMs: 15_000,
        what: `${ids.join(", ")} is ${status}`,
      }),
    async [Symbol.asyncDispose]() {
      await server.close();
      await dispose();
    },
  };
}
