import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from "vitest";
import { postgres } from "../../src/brokers/postgres/index.ts";
import type { Broker, Consumer } from "../../src/tasks/broker.ts";
import type { Execute } from "../../src/tasks/delivery.ts";
import { StoreError } from "../../src/tasks/store-error.ts";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";
import { pass, waitUntil } from "../../src/testing/describe-broker/wait.ts";
import { withPostgresPrograms } from "../support/test-servers.ts";
import { PostgresCluster } from "./fixtures/postgres-cluster.ts";
import { PostgresProxy } from "./fixtures/postgres-proxy.ts";

/** What was promised, and a moment for a busy machine. */
const answerMs = 2_500;
let cluster: PostgresCluster;

beforeAll(async () => {
  cluster = await PostgresCluster.create();
  await cluster.start();
}, 60_000);
afterAll(() => cluster.remove(), 30_000);
afterEach(() => cluster.start().catch(() => {}), 30_000);

async function open(url: string = cluster.url): Promise<Broker> {
  const broker = postgres(url);
  await broker.open();
  onTestFinished(() => broker.close());
  return broker;
}

function consume(broker: Broker, execute: Execute): { readonly consumer: Consumer; readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const worker = { id: randomUUID(), host: "here", pid: process.pid, queues: ["default"], slots: 4 };
  const options = { worker, slots: 4, queues: ["default"], leaseMs: 30_000, maxDeliveries: 3 };
  const consumer = broker.consume({ ...options, onError: (error) => errors.push(error) }, execute);
  return { consumer, errors };
}

async function hasSucceeded(broker: Broker, id: string): Promise<boolean> {
  const jobs = await broker.get({ ids: [id] }).catch(() => []);
  return jobs[0]?.status === "succeeded";
}

/** Every verb rejects in time. */
async function assertAway(broker: Broker): Promise<void> {
  const ids = [createSampleJob().id];
  const verbs = {
    enqueue: () => broker.enqueue({ jobs: [createSampleJob()] }),
    "enqueue with a key": () => broker.enqueue({ jobs: [createSampleJob({ uniqueKey: "k" })] }),
    "enqueue to a new queue": () => broker.enqueue({ jobs: [createSampleJob({ queue: "new" })] }),
    get: () => broker.get({ ids }),
    list: () => broker.list({ filter: {}, limit: 10 }),
    counts: () => broker.counts(),
    cancel: () => broker.cancel({ ids, reason: "no" }),
    retry: () => broker.retry({ ids }),
    remove: () => broker.remove({ ids }),
    purge: () => broker.purge({ statuses: ["failed"] }),
    pause: () => broker.pause({ queue: "held" }),
    schedules: () => broker.schedules(),
    workers: () => broker.workers(),
  };
  const startMs = performance.now();
  const outcomes = await Promise.all(
    Object.entries(verbs).map(async ([verb, call]) => {
      const outcome: unknown = await call().catch((error: unknown) => error);
      return outcome instanceof StoreError ? "StoreError" : `${verb}: ${JSON.stringify(outcome)}`;
    }),
  );
  expect(new Set(outcomes)).toEqual(new Set(["StoreError"]));
  expect(performance.now() - startMs).toBeLessThan(answerMs);
}

withPostgresPrograms("PostgreSQL that is away", () => {
  it("refuses to open, and says why", async () => {
    await cluster.stop();
    const startMs = performance.now();
    await expect(postgres(cluster.url).open()).rejects.toMatchObject({
      code: "broker_open_failed",
      message: expect.stringContaining(`127.0.0.1:${cluster.port} cannot be reached`) as string,
    });
    expect(performance.now() - startMs).toBeLessThan(answerMs);
  }, 30_000);

  it("rejects every verb in time while the server is stopped, and works when it is back", async () => {
    const broker = await open();
    await broker.enqueue({ jobs: [createSampleJob()] });
    await cluster.stop();
    await assertAway(broker);
    await cluster.start();
    await broker.enqueue({ jobs: [createSampleJob()] });
  }, 30_000);

  it("consumes on after the server was killed and started", async () => {
    const broker = await open();
    const { consumer, errors } = consume(broker, () => ({ status: "succeeded", result: "1" }));
    const before = createSampleJob();
    await broker.enqueue({ jobs: [before] });
    await waitUntil(() => hasSucceeded(broker, before.id), 5_000, "the first job has succeeded");
    await cluster.stop("immediate");
    await waitUntil(() => errors.length > 0, 5_000, "the consumer tells of the trouble");
    await cluster.start();
    const after = createSampleJob();
    await broker.enqueue({ jobs: [after] });
    await waitUntil(() => hasSucceeded(broker, after.id), 5_000, "the second job has succeeded");
    await consumer.close();
  }, 30_000);

  it("closes in time while the server is stopped", async () => {
    const broker = postgres(cluster.url);
    await broker.open();
    consume(broker, () => new Promise(() => {}));
    await cluster.stop("immediate");
    const startMs = performance.now();
    await broker.close();
    expect(performance.now() - startMs).toBeLessThan(6_000);
  }, 30_000);
});

withPostgresPrograms("PostgreSQL that is silent", () => {
  it("rejects every verb in time, and works when it speaks again", async () => {
    const proxy = await PostgresProxy.start("127.0.0.1", cluster.port);
    onTestFinished(() => proxy.stop());
    const broker = await open(cluster.url.replace(`:${cluster.port}`, `:${proxy.port}`));
    await broker.enqueue({ jobs: [createSampleJob()] });
    proxy.set("silent");
    await assertAway(broker);
    proxy.set("open");
    await broker.enqueue({ jobs: [createSampleJob()] });
  }, 30_000);

  it("refuses to open when it falls silent midway, soon", async () => {
    const proxy = await PostgresProxy.start("127.0.0.1", cluster.port);
    onTestFinished(() => proxy.stop());
    const broker = postgres(cluster.url.replace(`:${cluster.port}`, `:${proxy.port}`));
    const lock = new Client({ connectionString: cluster.url });
    await lock.connect();
    onTestFinished(() => lock.end());
    // A migration that waits for somebody is not silent, however long that takes.
    await lock.query("CREATE SCHEMA IF NOT EXISTS afterword");
    await lock.query("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('afterword migration afterword', 0))");
    const opening = broker.open().then(
      () => "opened",
      (error: Error) => error.message,
    );
    await waitUntil(
      async () =>
        (await lock.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).rowCount === 1,
      5_000,
      "the migration waits",
    );
    expect(await Promise.race([opening, pass(4_000).then(() => "waits")])).toBe("waits");
    proxy.set("silent");
    const startMs = performance.now();
    expect(await opening).toMatch(/cannot be reached: .*timeout/i);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  }, 30_000);

  it("hears of new jobs again after its listening connection was cut", async () => {
    const proxy = await PostgresProxy.start("127.0.0.1", cluster.port);
    onTestFinished(() => proxy.stop());
    const broker = await open(cluster.url.replace(`:${cluster.port}`, `:${proxy.port}`));
    const other = await open();
    const { consumer } = consume(broker, () => ({ status: "succeeded", result: "1" }));
    proxy.cut();
    const job = createSampleJob();
    await other.enqueue({ jobs: [job] });
    await waitUntil(() => hasSucceeded(other, job.id), 5_000, "the job has succeeded");
    await consumer.close();
  }, 30_000);
});

withPostgresPrograms("connections that the server ends", () => {
  it("are replaced without anybody noticing", async () => {
    const broker = await open();
    await broker.enqueue({ jobs: [createSampleJob()] });
    const admin = new Client({ connectionString: cluster.url });
    await admin.connect();
    await admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'postgres'",
    );
    await admin.end();
    await broker.counts();
    await broker.cancel({ ids: [createSampleJob().id], reason: "no" });
    await broker.enqueue({ jobs: [createSampleJob()] });
  }, 30_000);
});

withPostgresPrograms("what is known of a job whose storing failed", () => {
  it("is that it may be stored when the connection broke before the answer", async () => {
    const proxy = await PostgresProxy.start("127.0.0.1", cluster.port);
    onTestFinished(() => proxy.stop());
    const broker = await open(cluster.url.replace(`:${cluster.port}`, `:${proxy.port}`));
    await broker.enqueue({ jobs: [createSampleJob()] });
    proxy.set("silent");
    await expect(broker.enqueue({ jobs: [createSampleJob()] })).rejects.toMatchObject({ code: "maybe_stored" });
    proxy.set("refused");
    await expect(broker.enqueue({ jobs: [createSampleJob()] })).rejects.toMatchObject({ code: "not_stored" });
  }, 30_000);
});
