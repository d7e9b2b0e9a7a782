import { Client, Worker } from "afterword";
import { afterAll, expect, test, type describe } from "vitest";
import { createCelerySetup } from "../brokers/celery-setup.ts";
import { createPostgresSetup, dropTemplate } from "../brokers/postgres-setup.ts";
import { createRabbitmqSetup } from "../brokers/rabbitmq-setup.ts";
import { createRedisSetup } from "../brokers/redis-setup.ts";
import { RedisServer } from "../brokers/redis-server.ts";
import type { BrokerSetup } from "../../src/testing/describe-broker/index.ts";
import { keepTidy } from "../support/tidy.ts";
import { withPostgres, withRabbitmq, withRedis, withRedisServer } from "../support/test-servers.ts";
import { waitUntil } from "../support/wait-until.ts";
import * as tasks from "./fixtures/threads/tasks.ts";

keepTidy();

const slow = { timeout: 90_000 };
const timeout = "50s";
const withinMs = 50_000;

function threadsOn(name: string, describeIf: typeof describe, createSetup: () => Promise<BrokerSetup>): void {
  describeIf(`threads on ${name}`, () => {
    test(
      "run jobs, tell of them, store others, keep their leases, hear of cancellations and die alone",
      slow,
      async () => {
        const setup = await createSetup();
        const { broker } = setup;
        const client = new Client({ broker });
        const told: unknown[] = [];
        const worker = new Worker(
          { broker, lease: "3s", threads: { max: 1, grace: "200ms" }, onError: (error) => told.push(error) },
          client,
        );
        await client.open();
        await worker.start();
        try {
          expect((await (await tasks.where.enqueue()).result({ timeout })).isMainThread).toBe(false);
          expect((await (await tasks.parent.enqueue("thread")).result({ timeout })).result).toBe("child of thread");

          const computing = await tasks.hold.enqueue(5_000);
          await computing.result({ timeout });
          const [job] = await broker.get({ ids: [computing.id] });
          expect(job).toMatchObject({ attempt: 1, deliveries: 1 });

          const canceled = await tasks.rounds.enqueue();
          await waitUntil(async () => (await canceled.info())?.progress !== undefined, { withinMs });
          await canceled.cancel("enough");
          expect((await canceled.done).status).toBe("canceled");

          expect(told).toEqual([]);
          const dying = await tasks.die.enqueue("exit 3");
          expect(await dying.done).toMatchObject({ status: "failed", error: { code: "thread_exited" } });
          expect((await (await tasks.where.enqueue()).result({ timeout })).isMainThread).toBe(false);
        } finally {
          await worker.close(0);
          await client.close();
          await setup.dispose();
        }
      },
    );
  });
}

threadsOn("redis", withRedis, createRedisSetup);
threadsOn("rabbitmq", withRabbitmq, () => createRabbitmqSetup({ queues: "quorum", hasResults: true }));

threadsOn("celery", withRedisServer, async () => {
  const server = await RedisServer.start();
  const setup = await createCelerySetup(server.url);
  const dispose = async (): Promise<void> => {
    await setup.dispose();
    await server.dispose();
  };
  return { ...setup, dispose };
});

withPostgres("with a database of its own", () => {
  afterAll(dropTemplate);
  threadsOn("postgres", withPostgres, createPostgresSetup);
});
