import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { connect, type Channel, type ChannelModel, type GetMessage, type Options } from "amqplib";
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from "vitest";
import { celery, type CeleryOptions } from "../../src/brokers/celery/index.ts";
import type { Broker } from "../../src/tasks/broker.ts";
import type { Execute } from "../../src/tasks/delivery.ts";
import { failed, succeeded } from "../../src/testing/describe-broker/endings.ts";
import { createSampleJob } from "../../src/testing/describe-broker/sample-job.ts";
import { rabbitmqUrl, withRabbitmq } from "../support/test-servers.ts";
import { waitUntil } from "../support/wait-until.ts";

withRabbitmq("celery's messages on RabbitMQ", { timeout: 60_000 }, () => {
  let model: ChannelModel;
  let channel: Channel;
  let made: string[] = [];

  beforeAll(async () => {
    model = await connect(rabbitmqUrl);
  });
  afterEach(async () => {
    const cleaner = await model.createChannel();
    for (const queue of made) {
      await cleaner.deleteQueue(queue);
      await cleaner.deleteQueue(`${queue}.dead`);
      await cleaner.deleteExchange(queue);
    }
    made = [];
    await cleaner.close();
  });
  afterAll(() => model?.close());

  /** A name that nobody else uses, and a channel of this test. */
  async function newQueue(): Promise<string> {
    const queue = `test-${randomUUID().slice(0, 8)}`;
    made.push(queue);
    channel = await model.createChannel();
    channel.on("error", () => {});
    return queue;
  }

  async function open(options: CeleryOptions = {}): Promise<Broker> {
    const broker = celery(rabbitmqUrl, options);
    await broker.open();
    onTestFinished(() => broker.close());
    return broker;
  }

  function consume(broker: Broker, queue: string, execute: Execute, maxDeliveries = 3): unknown[] {
    const errors: unknown[] = [];
    broker.consume(
      {
        worker: { id: randomUUID(), host: hostname(), pid: process.pid, queues: [queue], slots: 1 },
        queues: [queue],
        slots: 1,
        leaseMs: 30_000,
        maxDeliveries,
        onError: (error) => errors.push(error),
      },
      execute,
    );
    return errors;
  }

  async function take(queue: string): Promise<GetMessage> {
    let message: GetMessage | false = false;
    await waitUntil(
      async () => {
        // A quorum queue that is just being made may end the connection of whoever asks for it.
        const asking = await connect(rabbitmqUrl);
        asking.on("error", () => {});
        const asker = await asking.createChannel();
        asker.on("error", () => {});
        message = await asker.get(queue, { noAck: true }).catch(() => false as const);
        await asking.close().catch(() => {});
        return message !== false;
      },
      { withinMs: 20_000, what: `${queue} has a message` },
    );
    return message as unknown as GetMessage;
  }

  function call(queue: string, task: string, fields: object = {}, options: Options.Publish = {}): string {
    const id = randomUUID();
    const embed = { callbacks: null, errbacks: null, chain: null, chord: null, ...fields };
    channel.sendToQueue(queue, Buffer.from(JSON.stringify([[], {}, embed])), {
      contentType: "application/json",
      contentEncoding: "utf-8",
      ...options,
      headers: { id, task, ...(options.headers as object | undefined) },
    });
    return id;
  }

  it("makes a queue as Celery does, so that both may declare it", async () => {
    const queue = await newQueue();
    const broker = await open();
    await broker.enqueue({ jobs: [createSampleJob({ queue })] });
    await channel.assertExchange(queue, "direct", { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.publish(queue, queue, Buffer.from("through its exchange"));
    const { properties, content } = await take(queue);
    expect(properties).toMatchObject({ deliveryMode: 2, contentType: "application/json", contentEncoding: "utf-8" });
    expect(properties.headers).toMatchObject({ lang: "ts", task: "sample", retries: 0, eta: null });
    expect(JSON.parse(content.toString())).toHaveLength(3);
    expect((await take(queue)).content.toString()).toBe("through its exchange");
  });

  it.each([
    ["maxPriority", { maxPriority: 10 }, { "x-max-priority": 10 }],
    ["queueType", { queueType: "quorum" }, { "x-queue-type": "quorum" }],
  ] as const)("makes it as Celery does that has %s set", async (_, options, queueArguments) => {
    const queue = await newQueue();
    const broker = await open(options);
    await broker.enqueue({ jobs: [createSampleJob({ queue })] });
    await channel.assertQueue(queue, { durable: true, arguments: queueArguments });
    expect(broker.supports.has("priority")).toBe("maxPriority" in options);
  });

  it("uses a queue as it is that somebody has made otherwise", async () => {
    const queue = await newQueue();
    await channel.assertQueue(queue, { durable: true, arguments: { "x-max-length": 100, "x-max-priority": 3 } });
    const broker = await open();
    const job = createSampleJob({ queue });
    await broker.enqueue({ jobs: [job] });
    consume(broker, queue, async () => succeeded("well"));
    await waitUntil(async () => (await broker.get({ ids: [job.id] }))[0]?.status === "succeeded", { withinMs: 10_000 });
  });

  it("says how to mend it when a queue is not what its options say", async () => {
    const queue = await newQueue();
    await channel.assertQueue(queue, { durable: true });
    const broker = await open({ maxPriority: 10 });
    await expect(broker.enqueue({ jobs: [createSampleJob({ queue })] })).rejects.toMatchObject({
      code: "not_stored",
      message: expect.stringMatching(/x-max-priority.*maxPriority and queueType as they are set in Celery/),
    });
    // It concerns no other.
    const other = await newQueue();
    await broker.enqueue({ jobs: [createSampleJob({ queue: other })] });
    const errors = consume(broker, queue, async () => succeeded());
    await waitUntil(() => errors.length > 0, { withinMs: 10_000 });
    expect(String(errors[0])).toContain("maxPriority and queueType");
  });

  it("puts what nobody can read or run to the dead letters, with the reason, and goes on", async () => {
    const queue = await newQueue();
    const broker = await open();
    const job = createSampleJob({ queue });
    await broker.enqueue({ jobs: [job] });
    channel.sendToQueue(queue, Buffer.from("(lp0"), { contentType: "application/x-python-serialize" });
    channel.sendToQueue(queue, Buffer.from("[1, 2]"), {
      contentType: "application/json",
      headers: { id: "i", task: "t" },
    });
    const chord = { chord: { task: "t", args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false } };
    call(queue, "a.part", chord, { priority: 3, replyTo: "somebody", expiration: "600000" });
    const errors = consume(broker, queue, async () => succeeded());
    await waitUntil(async () => (await broker.get({ ids: [job.id] }))[0]?.status === "succeeded", { withinMs: 10_000 });
    const letters = [await take(`${queue}.dead`), await take(`${queue}.dead`), await take(`${queue}.dead`)];
    const reasons = letters.map(({ properties }) => JSON.parse(properties.headers!.afterword_error as string).message);
    expect(reasons).toEqual([
      expect.stringContaining("only application/json is read"),
      expect.stringContaining("list of 2"),
      expect.stringContaining('results: "redis://'),
    ]);
    expect(letters[0]!.content.toString()).toBe("(lp0");
    expect(letters[2]!.properties).toMatchObject({ priority: 3, replyTo: "somebody", headers: { task: "a.part" } });
    await waitUntil(() => errors.length === 3);
    expect(errors).toMatchObject([{ code: "undecodable" }, { code: "undecodable" }, { code: "undecodable" }]);
  });

  it("answers to the queue that a message names, as Celery does, and keeps the task that it does not know", async () => {
    const queue = await newQueue();
    const answers = await newQueue();
    await channel.assertQueue(queue, { durable: true });
    await channel.assertQueue(answers, { durable: false, autoDelete: true });
    const broker = await open();
    consume(broker, queue, async ({ job }) =>
      job.task === "known" ? succeeded(42) : failed("no such task", "unknown_task"),
    );
    const known = call(queue, "known", {}, { replyTo: answers });
    const first = await take(answers);
    expect(first.properties).toMatchObject({ correlationId: known, contentType: "application/json", headers: {} });
    expect(JSON.parse(first.content.toString())).toEqual({
      task_id: known,
      status: "SUCCESS",
      result: 42,
      traceback: null,
      children: [],
      date_done: null,
    });
    const unknown = call(queue, "unknown", {}, { replyTo: answers });
    expect(JSON.parse((await take(answers)).content.toString())).toMatchObject({
      task_id: unknown,
      status: "FAILURE",
      result: { exc_type: "NotRegistered" },
    });
    expect((await take(`${queue}.dead`)).properties.headers).toMatchObject({ id: unknown });
    // What nobody can read has failed, for whoever waits for it.
    const broken = randomUUID();
    channel.sendToQueue(queue, Buffer.from("broken"), { headers: { id: broken, task: "known" }, replyTo: answers });
    expect(JSON.parse((await take(answers)).content.toString())).toMatchObject({
      task_id: broken,
      status: "FAILURE",
      result: { exc_type: "InvalidTaskError" },
    });
    // Whoever has gone needs no answer, and nobody is kept waiting for that.
    call(queue, "known", {}, { replyTo: "nobody-listens-here" });
    const last = call(queue, "known", {}, { replyTo: answers });
    expect((await take(answers)).properties.correlationId).toBe(last);
  });

  it("counts in the message how often it was handed out, and ends one that has killed its workers", async () => {
    const queue = await newQueue();
    const broker = await open();
    const job = createSampleJob({ queue });
    await broker.enqueue({ jobs: [job] });
    // Three workers that have it and are gone.
    for (let deaths = 1; deaths <= 3; deaths++) {
      const victim = await model.createChannel();
      await waitUntil(async () => (await victim.get(queue)) !== false, { withinMs: 10_000 });
      await victim.close();
      if (deaths === 3) break;
      // A worker of ours counts it, when it has a slot, and is closed.
      const counting = await open();
      const seen: number[] = [];
      consume(counting, queue, ({ job: { deliveries } }) => {
        seen.push(deliveries);
        return new Promise(() => {});
      });
      await waitUntil(() => seen.length > 0, { withinMs: 10_000 });
      expect(seen).toEqual([deaths + 1]);
      await counting.close();
    }
    const ran: string[] = [];
    consume(broker, queue, async () => (ran.push("ran"), succeeded()));
    await waitUntil(async () => (await broker.get({ ids: [job.id] }))[0]?.status === "failed", { withinMs: 10_000 });
    expect((await broker.get({ ids: [job.id] }))[0]?.error?.code).toBe("worker_lost");
    expect(ran).toEqual([]);
  });

  it("does not count what was given back in peace, over ten workers", async () => {
    const queue = await newQueue();
    const broker = await open();
    const job = createSampleJob({ queue });
    await broker.enqueue({ jobs: [job] });
    for (let round = 0; round < 10; round++) {
      const worker = await open();
      const seen: number[] = [];
      consume(worker, queue, ({ job: { deliveries } }) => {
        seen.push(deliveries);
        return new Promise(() => {});
      });
      await waitUntil(() => seen.length > 0, { withinMs: 10_000 });
      expect(seen).toEqual([1]);
      await worker.close();
    }
  });

  it("sends a delayed job to its own queue when it is due, by Celery's header too", async () => {
    const queue = await newQueue();
    const broker = await open();
    const dueAt = Date.now() + 1_500;
    await broker.enqueue({ jobs: [createSampleJob({ queue, delayMs: 1_500 })] });
    const { properties } = await take(queue);
    expect(Date.now()).toBeGreaterThanOrEqual(dueAt - 10);
    expect(Date.parse(properties.headers!.eta as string)).toBeGreaterThanOrEqual(dueAt - 10);
    // A sender of Celery's puts it into the queue at once.
    const ran: number[] = [];
    consume(broker, queue, async () => (ran.push(Date.now()), succeeded()));
    const eta = Date.now() + 1_000;
    call(queue, "later", {}, { headers: { eta: new Date(eta).toISOString() } });
    await waitUntil(() => ran.length > 0, { withinMs: 10_000 });
    expect(ran[0]).toBeGreaterThanOrEqual(eta - 10);
  });
});
