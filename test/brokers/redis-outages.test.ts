import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { redis } from "../../src/brokers/redis/index.ts";
import type { Broker, Consumer } from "../../src/tasks/broker.ts";
import type { Execute } from "../../src/tasks/delivery.ts";
import { StoreError } from "../../src/tasks/store-error.ts";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";
import { waitUntil } from "../../src/testing/describe-broker/wait.ts";
import { withRedisServer } from "../support/test-servers.ts";
import { Proxy } from "../support/proxy.ts";
import { RedisServer } from "./redis-server.ts";

/** What the contract allows, and a little for a busy machine. */
const answerMs = 2_500;

let server: RedisServer;
let proxy: Proxy;
let broker: Broker;
let prefix: string;
const errors: unknown[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.dispose());

beforeEach(async () => {
  errors.length = 0;
  prefix = `test-${randomUUID()}`;
  proxy = await Proxy.open({ host: "127.0.0.1", port: server.port });
  broker = redis(proxy.url, { prefix });
  await broker.open();
});

afterEach(async () => {
  proxy.restore();
  await broker.close();
  await proxy.close();
});

function consume(execute: Execute): Consumer {
  const worker = { id: randomUUID(), host: hostname(), pid: process.pid, queues: ["default"], slots: 4 };
  return broker.consume(
    {
      worker,
      slots: 4,
      queues: worker.queues,
      leaseMs: 30_000,
      maxDeliveries: 3,
      onError: (error) => errors.push(error),
    },
    execute,
  );
}

/** How every verb ends that asks something of the server. */
async function settleAllVerbs(): Promise<readonly PromiseSettledResult<unknown>[]> {
  const ids = [createSampleJob().id];
  return Promise.allSettled([
    broker.enqueue({ jobs: [createSampleJob()] }),
    broker.get({ ids }),
    broker.list({ filter: {}, limit: 10 }),
    broker.counts(),
    broker.cancel({ ids, reason: "no" }),
    broker.retry({ ids }),
    broker.remove({ ids }),
    broker.purge({ statuses: ["succeeded"] }),
    broker.pause({ queue: "held" }),
    broker.resume({ queue: "held" }),
    broker.putSchedule({ name: "nightly", cron: "@daily", timezone: "UTC", task: "sample" }),
    broker.removeSchedule({ name: "nightly" }),
    broker.schedules(),
    broker.pauseSchedule({ name: "nightly", isPaused: true }),
    broker.tick({ schedule: "nightly", ticks: [{ at: Date.now(), job: createSampleJob() }] }),
    broker.workers(),
  ]);
}

async function expectAllToFail(code: StoreError["code"]): Promise<void> {
  const startMs = performance.now();
  for (const result of await settleAllVerbs()) {
    expect(result.status).toBe("rejected");
    const { reason } = result as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(StoreError);
    expect((reason as StoreError).code).toBe(code);
  }
  expect(performance.now() - startMs).toBeLessThan(answerMs);
}

async function expectToStore(): Promise<void> {
  const job = createSampleJob();
  await waitUntil(
    () =>
      broker.enqueue({ jobs: [job] }).then(
        () => true,
        () => false,
      ),
    5_000,
    "the broker stores again",
  );
  expect((await broker.get({ ids: [job.id] }))[0]?.id).toBe(job.id);
}

withRedisServer("redis without its server", () => {
  it("refuses every verb within two seconds, where queue.add would hang, and works again when it is back", async () => {
    proxy.refuse();
    // What is written before the end of the connection is noticed may have arrived.
    await broker.counts().catch(() => {});
    await expectAllToFail("not_stored");
    proxy.restore();
    await expectToStore();
  });

  it("notices within two seconds that a server is connected but silent, and works again when it speaks", async () => {
    server.signal("SIGSTOP");
    try {
      await expectAllToFail("maybe_stored");
      // Connecting anew succeeds, as far as the kernel is concerned.
      await expectAllToFail("not_stored");
    } finally {
      server.signal("SIGCONT");
    }
    await expectToStore();
  });

  it("says maybe_stored when the answer was lost, and not_stored when nothing was asked", async () => {
    const job = createSampleJob();
    proxy.silenceAnswers();
    const error: unknown = await broker.enqueue({ jobs: [job] }).catch((reason: unknown) => reason);
    expect((error as StoreError).code).toBe("maybe_stored");
    proxy.refuse();
    const refused: unknown = await broker.enqueue({ jobs: [createSampleJob()] }).catch((reason: unknown) => reason);
    expect((refused as StoreError).code).toBe("not_stored");
    proxy.restore();
    await expectToStore();
    expect((await broker.get({ ids: [job.id] }))[0]?.status).toBe("queued");
    // Whoever asks again with the same id stores nothing twice.
    await broker.enqueue({ jobs: [job] });
    expect((await broker.counts())[0]?.queued).toBe(2);
  });

  it("says at once that the connection was cut under a request", async () => {
    proxy.silenceAnswers();
    const startMs = performance.now();
    const outcome = broker.enqueue({ jobs: [createSampleJob()] }).catch((reason: unknown) => reason);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    proxy.cut();
    expect(((await outcome) as StoreError).code).toBe("maybe_stored");
    expect(performance.now() - startMs).toBeLessThan(800);
  });

  it("closes while the server is silent and a job runs, where a worker's close() would never end", async () => {
    const job = createSampleJob();
    await broker.enqueue({ jobs: [job] });
    const consumer = consume(() => new Promise(() => {}));
    await waitUntil(() => consumer.running === 1, 5_000, "the job runs");
    proxy.silence();
    const startMs = performance.now();
    await broker.close();
    expect(performance.now() - startMs).toBeLessThan(4_000);
    proxy.restore();
    await broker.open();
  });

  it("says when it is opened that the server cannot be reached", async () => {
    proxy.refuse();
    // What a server in protected mode does to other hosts.
    await expect(redis(proxy.url).open()).rejects.toMatchObject({
      code: "broker_open_failed",
      message: expect.stringContaining("protected mode") as string,
    });
    proxy.restore();
    proxy.silence();
    const startMs = performance.now();
    await expect(redis(proxy.url).open()).rejects.toMatchObject({ code: "broker_open_failed" });
    expect(performance.now() - startMs).toBeLessThan(answerMs);
  });

  it("goes on working when connections are cut again and again, without an error that nobody hears", async () => {
    const done = new Set<string>();
    consume(({ job }) => {
      done.add(job.id);
      return { status: "succeeded", result: "null" };
    });
    const stored: string[] = [];
    for (let round = 0; round < 10; round++) {
      const job = createSampleJob();
      const isStored = await broker.enqueue({ jobs: [job] }).then(
        () => true,
        () => false,
      );
      if (isStored) stored.push(job.id);
      proxy.cut();
    }
    await expectToStore();
    await waitUntil(() => stored.every((id) => done.has(id)), 10_000, "all have run");
    const jobs = await broker.get({ ids: stored });
    await waitUntil(
      async () => (await broker.get({ ids: stored })).every((job) => job?.status === "succeeded"),
      10_000,
      "all have succeeded",
    );
    expect(jobs).toHaveLength(stored.length);
  });

  it("keeps every confirmed job when the server is killed and started under load, and the worker resumes", async () => {
    const done = new Set<string>();
    consume(({ job }) => {
      done.add(job.id);
      return { status: "succeeded", result: "null" };
    });
    const confirmed: string[] = [];
    let isLoading = true;
    const load = async (): Promise<void> => {
      while (isLoading) {
        const job = createSampleJob();
        await broker.enqueue({ jobs: [job] }).then(
          () => confirmed.push(job.id),
          (error: unknown) => expect(error).toBeInstanceOf(StoreError),
        );
      }
    };
    const loads = [load(), load(), load()];
    await waitUntil(() => confirmed.length > 50, 10_000, "jobs are stored");
    await server.kill();
    await server.start();
    const before = confirmed.length;
    await waitUntil(() => confirmed.length > before + 20, 10_000, "jobs are stored again");
    isLoading = false;
    await Promise.all(loads);
    await waitUntil(() => confirmed.every((id) => done.has(id)), 15_000, "all confirmed jobs have run");
    await waitUntil(
      async () => (await broker.get({ ids: confirmed })).every((job) => job?.status === "succeeded"),
      15_000,
      "all confirmed jobs have succeeded",
    );
  });
});
