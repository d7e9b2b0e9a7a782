import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { celery } from "../../src/brokers/celery/index.ts";
import type { Broker } from "../../src/tasks/broker.ts";
import type { Execute } from "../../src/tasks/delivery.ts";
import { isFinal, type NewJob } from "../../src/tasks/job.ts";
import { StoreError } from "../../src/tasks/store-error.ts";
import { retryIn, succeeded } from "../../src/testing/describe-broker/endings.ts";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";
import { RabbitmqNode } from "../support/rabbitmq-node.ts";
import { withRabbitmqAndRedis } from "../support/test-servers.ts";
import { waitUntil } from "../support/wait-until.ts";
import { RedisServer } from "./redis-server.ts";

/** What was promised, and a moment for a busy machine. */
const answerMs = 2_500;

let node: RabbitmqNode;
let redis: RedisServer;

/** A sender and a worker, as two programs, on a queue of their own. */
interface Programs {
  readonly queue: string;
  readonly sender: Broker;
  /** What the worker was told. */
  readonly errors: unknown[];
}

async function openPrograms(results: "redis" | "rpc", execute: Execute): Promise<Programs> {
  const queue = `jobs-${randomUUID().slice(0, 8)}`;
  const options = results === "redis" ? { results: redis.url } : {};
  const errors: unknown[] = [];
  const open = async (name: string): Promise<Broker> => {
    const broker = celery(node.url, { ...options, name });
    await broker.open();
    onTestFinished(() => broker.close());
    return broker;
  };
  const [sender, worker] = [await open("sender"), await open("worker")];
  worker.consume(
    {
      worker: { id: randomUUID(), host: hostname(), pid: process.pid, queues: [queue], slots: 4 },
      queues: [queue],
      slots: 4,
      leaseMs: 30_000,
      maxDeliveries: 10,
      onError: (error) => errors.push(error),
    },
    execute,
  );
  return { queue, sender, errors };
}

/** Stores jobs all the time, some of them with a delay. */
class Load {
  readonly confirmed: NewJob[] = [];
  readonly refusals: unknown[] = [];
  slowestMs = 0;
  #isOver = false;
  readonly #storing: Promise<void>;

  constructor({ queue, sender }: Programs) {
    this.#storing = this.#store(queue, sender);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#storing;
  }

  async #store(queue: string, sender: Broker): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      const job = createSampleJob({ queue, args: `[${turn % 4}]`, delayMs: turn % 10 === 0 ? 100 : 0 });
      const startMs = performance.now();
      await sender.enqueue({ jobs: [job] }).then(
        () => this.confirmed.push(job),
        (error: unknown) => this.refusals.push(error),
      );
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs);
      // A server that refuses at once is not asked without end.
      await delay(2);
    }
  }
}

withRabbitmqAndRedis("celery on RabbitMQ whose server goes away", () => {
  beforeAll(async () => {
    [node, redis] = await Promise.all([RabbitmqNode.start(), RedisServer.start()]);
  }, 90_000);
  afterAll(async () => {
    await Promise.all([node?.dispose(), redis?.dispose()]);
  }, 30_000);

  it.each([
    ["is stopped and started", "redis", () => node.stopApp(), () => node.startApp()],
    ["is stopped and started", "rpc", () => node.stopApp(), () => node.startApp()],
    ["is killed and started", "redis", () => node.kill(), () => node.start()],
    ["is killed and started", "rpc", () => node.kill(), () => node.start()],
  ] as const)(
    "loses no job in flight when it %s, with results in %s, and refuses in time",
    { timeout: 120_000 },
    async (_, results, away, back) => {
      const ran = new Set<string>();
      const programs = await openPrograms(results, async ({ job }) => {
        await delay(20);
        ran.add(job.id);
        return job.attempt === 1 && job.args === "[3]" ? retryIn(20) : succeeded(job.id);
      });
      const { sender } = programs;
      const load = new Load(programs);
      onTestFinished(back);
      await waitUntil(() => ran.size > 30, { withinMs: 30_000, what: "jobs run" });
      await away();
      const refused = load.refusals.length;
      await waitUntil(() => load.refusals.length > refused + 1, { withinMs: 10_000, what: "jobs are refused" });
      await back();
      const stored = load.confirmed.length;
      await waitUntil(() => load.confirmed.length > stored + 30, { withinMs: 30_000, what: "jobs are stored again" });
      await load.stop();
      const missing = (): readonly NewJob[] => load.confirmed.filter(({ id }) => !ran.has(id));
      await waitUntil(() => missing().length === 0, { withinMs: 30_000, what: "all confirmed jobs have run" }).catch(
        (cause: unknown) => {
          throw new Error(`${missing().length} of ${load.confirmed.length} did not run`, { cause });
        },
      );
      const ids = load.confirmed.map(({ id }) => id);
      await waitUntil(
        async () => (await sender.get({ ids })).every((job) => job !== undefined && isFinal(job.status)),
        {
          withinMs: 20_000,
          what: "the sender knows how all of them ended",
        },
      );
      const ended = await sender.get({ ids });
      expect(ended.filter((job) => job?.result !== JSON.stringify(job?.id))).toEqual([]);
      for (const refusal of load.refusals) expect(refusal).toBeInstanceOf(StoreError);
      expect(load.slowestMs).toBeLessThan(answerMs);
    },
  );
});
