import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, it } from "vitest";
import { redis } from "../../src/brokers/redis/index.ts";
import type { Broker, Consumer } from "../../src/tasks/broker.ts";
import type { Execute } from "../../src/tasks/delivery.ts";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";
import { waitUntil } from "../../src/testing/describe-broker/wait.ts";
import { withRedisServer } from "../support/test-servers.ts";
import { deleteKeys, serverUrl } from "./redis-setup.ts";

let prefix: string;
let broker: Broker;
let connection: Redis;
const queues: Queue[] = [];

beforeEach(async () => {
  prefix = `test-${randomUUID()}`;
  broker = redis(serverUrl, { prefix });
  connection = new Redis(serverUrl, { maxRetriesPerRequest: null });
  await broker.open();
});

afterEach(async () => {
  await broker.close();
  for (const queue of queues.splice(0)) await queue.close();
  connection.disconnect();
  await deleteKeys(prefix);
});

/** As a tool of BullMQ opens it. */
function bull(name = "default"): Queue {
  const queue = new Queue(name, { connection, prefix });
  queues.push(queue);
  return queue;
}

function consume(execute: Execute, queue = "default"): Consumer {
  const worker = { id: randomUUID(), host: hostname(), pid: process.pid, queues: [queue], slots: 1 };
  return broker.consume(
    { worker, slots: 1, queues: [queue], leaseMs: 30_000, maxDeliveries: 3, onError: () => {} },
    execute,
  );
}

async function untilEnded(id: string): Promise<void> {
  await waitUntil(async () => (await broker.get({ ids: [id] }))[0]?.endedAt !== undefined, 5_000, "the job has ended");
}

withRedisServer("what BullMQ's tools see of jobs on redis", () => {
  it("shows the name, the arguments and the state of a job that waits, is delayed, or waits for another", async () => {
    const first = createSampleJob({ task: "resize", args: '["a.png",1]' });
    const late = createSampleJob({ delayMs: 60_000 });
    const last = createSampleJob({ after: { ids: [first.id], pass: "result" } });
    await broker.enqueue({ jobs: [first, late, last] });
    const job = (await bull().getJob(first.id))!;
    expect(job.name).toBe("resize");
    expect(job.data).toEqual(["a.png", 1]);
    expect(await job.getState()).toBe("prioritized");
    expect(await (await bull().getJob(late.id))!.getState()).toBe("delayed");
    expect(await (await bull().getJob(last.id))!.getState()).toBe("waiting-children");
    expect(await bull().getJobCounts("prioritized", "delayed", "waiting-children")).toEqual({
      prioritized: 1,
      delayed: 1,
      "waiting-children": 1,
    });
  });

  it("shows a job that runs with its progress and log, and then with its result", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    consume(async (delivery) => {
      delivery.progress(0.5);
      delivery.log("half of it");
      await promise;
      return { status: "succeeded", result: '{"width":3}' };
    });
    const job = createSampleJob();
    await broker.enqueue({ jobs: [job] });
    await waitUntil(async () => (await bull().getJob(job.id))?.progress === 0.5, 5_000, "the progress is shown");
    expect(await (await bull().getJob(job.id))!.getState()).toBe("active");
    expect((await bull().getJobLogs(job.id)).logs[0]).toMatch(/half of it$/);
    resolve();
    await untilEnded(job.id);
    const ended = (await bull().getJob(job.id))!;
    expect(await ended.getState()).toBe("completed");
    expect(ended.returnvalue).toEqual({ width: 3 });
    expect(ended.attemptsMade).toBe(1);
    expect(ended.finishedOn).toBeTypeOf("number");
  });

  it("shows jobs in bull-board, by its own adapter", async () => {
    const job = createSampleJob({ task: "resize", args: '["a.png"]' });
    await broker.enqueue({ jobs: [job] });
    const adapter = new BullMQAdapter(bull() as never);
    expect((await adapter.getJobCounts()).prioritized).toBe(1);
    const [shown] = await adapter.getJobs(["prioritized"]);
    expect(shown?.toJSON()).toMatchObject({ id: job.id, name: "resize", data: ["a.png"] });
  });

  it("shows why a job has failed, or was canceled", async () => {
    const canceled = createSampleJob({ delayMs: 60_000 });
    const failed = createSampleJob();
    await broker.enqueue({ jobs: [canceled, failed] });
    await broker.cancel({ ids: [canceled.id], reason: "nobody wants it" });
    consume(() => ({
      status: "failed",
      error: { name: "Error", message: "no space left", stack: "Error: no space\n at x" },
    }));
    await untilEnded(failed.id);
    const job = (await bull().getJob(failed.id))!;
    expect(await job.getState()).toBe("failed");
    expect(job.failedReason).toBe("no space left");
    expect(job.stacktrace).toEqual(["Error: no space\n at x"]);
    expect((await bull().getJob(canceled.id))!.failedReason).toBe("canceled: nobody wants it");
    expect(await bull().getFailedCount()).toBe(2);
  });

  it("lets a tool retry a failed job", async () => {
    let runs = 0;
    consume(() =>
      ++runs === 1
        ? { status: "failed", error: { name: "Error", message: "no" } }
        : { status: "succeeded", result: "2" },
    );
    const job = createSampleJob();
    await broker.enqueue({ jobs: [job] });
    await untilEnded(job.id);
    await (await bull().getJob(job.id))!.retry("failed");
    await waitUntil(
      async () => (await broker.get({ ids: [job.id] }))[0]?.status === "succeeded",
      5_000,
      "it has succeeded",
    );
    expect((await broker.list({ filter: { statuses: ["failed"] }, limit: 10 })).jobs).toEqual([]);
    expect((await broker.counts())[0]).toMatchObject({ failed: 0, succeeded: 1 });
  });

  it("does not stumble over a job that a tool has removed", async () => {
    const job = createSampleJob();
    await broker.enqueue({ jobs: [job] });
    await (await bull().getJob(job.id))!.remove();
    expect(await broker.get({ ids: [job.id] })).toEqual([undefined]);
    await broker.enqueue({ jobs: [job] });
    expect((await broker.get({ ids: [job.id] }))[0]?.status).toBe("queued");
  });

  it("shows a paused queue as paused, and heeds what a tool has paused", async () => {
    await broker.enqueue({ jobs: [createSampleJob()] });
    await broker.pause({ queue: "default" });
    expect(await bull().isPaused()).toBe(true);
    await broker.resume({ queue: "default" });
    expect(await bull().isPaused()).toBe(false);
  });

  it("runs what a producer of BullMQ has added", async () => {
    await broker.enqueue({ jobs: [createSampleJob()] });
    const ran: unknown[] = [];
    consume(({ job }) => {
      ran.push([job.task, JSON.parse(job.args)]);
      return { status: "succeeded", result: "null" };
    });
    await bull().add("mail", { to: "ann" });
    await waitUntil(() => ran.length === 2, 5_000, "both have run");
    expect(ran).toContainEqual(["mail", [{ to: "ann" }]]);
  });
});

withRedisServer("the traps of BullMQ", () => {
  it("gives every job a priority, because those without one run before all others", async () => {
    await broker.enqueue({ jobs: [0, 5, 9].map((priority) => createSampleJob({ priority })) });
    expect(await bull().getWaitingCount()).toBe(0);
    expect(await bull().getCountsPerPriority([1, 5, 10])).toEqual({ "1": 1, "5": 1, "10": 1 });
  });

  it("takes names with colons, by which BullMQ divides its keys", async () => {
    const job = createSampleJob({ queue: "eu:mail", task: "a:b", limits: { maxRunning: 1, rate: undefined } });
    await broker.enqueue({ jobs: [job] });
    consume(() => ({ status: "succeeded", result: "1" }), "eu:mail");
    await untilEnded(job.id);
    expect((await broker.get({ ids: [job.id] }))[0]).toMatchObject({ queue: "eu:mail", task: "a:b" });
    expect((await broker.counts()).map(({ queue }) => queue)).toEqual(["eu:mail"]);
  });

  it("gives a task with limits an engine queue of its own, which is served wherever its queue is", async () => {
    const job = createSampleJob({ task: "mail", limits: { maxRunning: 1, rate: undefined } });
    await broker.enqueue({ jobs: [job, createSampleJob()] });
    expect(await bull("default@mail").getPrioritizedCount()).toBe(1);
    expect(await bull().getPrioritizedCount()).toBe(1);
    consume(() => ({ status: "succeeded", result: "1" }));
    await untilEnded(job.id);
  });

  it("locks what runs with a token of its own for each delivery", async () => {
    const tokens = new Set<string>();
    consume(async ({ job }) => {
      tokens.add((await connection.get(`${prefix}:default:${job.id}:lock`))!);
      return { status: "succeeded", result: "1" };
    });
    const jobs = [createSampleJob(), createSampleJob()];
    await broker.enqueue({ jobs });
    for (const { id } of jobs) await untilEnded(id);
    expect(tokens.size).toBe(2);
    expect(await connection.keys(`${prefix}:*:lock`)).toEqual([]);
  });

  it("leaves nothing behind when all jobs are forgotten", async () => {
    const first = createSampleJob({ uniqueKey: "k", expiresMs: 60_000 });
    const last = createSampleJob({ after: { ids: [first.id], pass: "result" } });
    await broker.enqueue({ jobs: [first, last, createSampleJob({ delayMs: 60_000 })] });
    const { jobs } = await broker.list({ filter: {}, limit: 10 });
    await broker.remove({ ids: jobs.map(({ id }) => id) });
    const keys = (await connection.keys(`${prefix}:*`)).map((key) => key.slice(prefix.length + 1));
    // What belongs to the queues themselves stays.
    expect(keys.toSorted()).toEqual([
      "$:engines",
      "$:pc",
      "default:events",
      "default:id",
      "default:marker",
      "default:meta",
    ]);
  });
});
