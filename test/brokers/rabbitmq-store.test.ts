import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { maxDelayMs } from "../../src/brokers/carried/carrier.ts";
import { rabbitmq } from "../../src/brokers/rabbitmq/index.ts";
import { sqlite } from "../../src/brokers/sqlite/index.ts";
import type { Broker } from "../../src/tasks/broker.ts";
import { behaviorArgs } from "../../src/testing/describe-broker/behavior.ts";
import { failed, retryIn, succeeded } from "../../src/testing/describe-broker/endings.ts";
import { HoldingRecorder, Recorder } from "../../src/testing/describe-broker/recorder.ts";
import { createSampleJob, createSampleJobs } from "../../src/testing/describe-broker/sample-job.ts";
import { SpawnedWorkers, type SpawnedWorker } from "../../src/testing/describe-broker/spawned-worker.ts";
import { pass, waitUntil } from "../../src/testing/describe-broker/wait.ts";
import { createTempDirectory, removeTempDirectories } from "../support/temp-directory.ts";
import { rabbitmqUrl, withRabbitmq } from "../support/test-servers.ts";
import { RabbitmqRig } from "./rabbitmq-rig.ts";
import { lockFile } from "./sqlite-setup.ts";

afterAll(removeTempDirectories);

const workerProgram = fileURLToPath(new URL("fixtures/rabbitmq-worker.ts", import.meta.url));

/** Starts workers in processes of their own, on the queues of the rig. */
function spawning(rig: RabbitmqRig, queues: "quorum" | "classic"): () => Promise<SpawnedWorker> {
  const workers = new SpawnedWorkers();
  onTestFinished(() => workers.close());
  const values = ["--conditions=afterword-source", workerProgram, rabbitmqUrl, rig.prefix, queues, ""];
  return () =>
    workers.start(
      async (env) =>
        spawn(process.execPath, values, {
          stdio: ["ignore", "ignore", "inherit"],
          env: { ...process.env, NODE_OPTIONS: "", ...env },
        }),
      { queues: ["default"], slots: 1, leaseMs: 30_000, maxDeliveries: 2, patienceMs: 10_000 },
    );
}

/** What stands in a header of ours. */
function readHeader(headers: Readonly<Record<string, unknown>> | undefined, name: string): Record<string, unknown> {
  return JSON.parse(headers?.[name] as string) as Record<string, unknown>;
}

/** When each job was started, since `startMs`. */
function timesOf(recorder: { times: Map<string, number> }, ids: readonly string[]): readonly number[] {
  return ids.map((id) => recorder.times.get(id)!);
}

class TimingRecorder extends Recorder {
  readonly times: Map<string, number> = new Map();

  constructor() {
    super(({ job }) => {
      this.times.set(job.id, performance.now());
      return succeeded();
    });
  }
}

withRabbitmq.each(["quorum", "classic"] as const)("rabbitmq without results, on %s queues", (queues) => {
  it("counts attempts, and carries what has failed from one to the next, to the dead letters", async () => {
    const rig = await RabbitmqRig.open({ queues });
    const recorder = new Recorder(({ job }) => (job.attempt < 3 ? retryIn(20, `no ${job.attempt}`) : failed("no 3")));
    rig.consume(recorder.execute);
    const job = createSampleJob({ args: '["a"]', meta: { requestId: "r" } });
    await rig.broker.enqueue({ jobs: [job] });
    const { fields, properties, content } = await rig.take("default.dead");
    expect(recorder.deliveries.map(({ job }) => [job.attempt, job.deliveries, job.meta])).toEqual([
      [1, 1, { requestId: "r" }],
      [2, 1, { requestId: "r" }],
      [3, 1, { requestId: "r" }],
    ]);
    const epochs = recorder.deliveries.map(({ job }) => job.epoch);
    expect(epochs).toEqual(epochs.toSorted((one, two) => one - two));
    expect(new Set(epochs).size).toBe(3);
    expect(fields.messageCount).toBe(0);
    expect(properties.headers).toMatchObject({ id: job.id, task: "sample", retries: 2 });
    expect(JSON.parse(content.toString())).toMatchObject([["a"], {}, {}]);
    expect(readHeader(properties.headers, "afterword_error")).toMatchObject({ message: "no 3" });
    expect(readHeader(properties.headers, "afterword_state").failures).toMatchObject([
      { attempt: 1, message: "no 1" },
      { attempt: 2, message: "no 2" },
    ]);
    await rig.untilCount("default", 0);
  });

  it(
    "puts a job to the dead letters that has killed its workers, as often as it may",
    { timeout: 40_000 },
    async () => {
      const rig = await RabbitmqRig.open({ queues });
      const spawnWorker = spawning(rig, queues);
      const job = createSampleJob({ args: behaviorArgs({ do: "kill" }), attempts: 5 });
      await rig.broker.enqueue({ jobs: [job] });
      for (let delivery = 1; delivery <= 2; delivery++) {
        const worker = await spawnWorker();
        await worker.untilEnded();
        expect(worker.journal).toContainEqual({ event: "started", id: job.id, attempt: 1, deliveries: delivery });
      }
      const recorder = new Recorder();
      rig.consume(recorder.execute, { maxDeliveries: 2 });
      const { properties } = await rig.take("default.dead");
      expect(properties.headers?.id).toBe(job.id);
      expect(readHeader(properties.headers, "afterword_error")).toMatchObject({ code: "worker_lost" });
      for (const queue of ["default", "default.front"]) await rig.untilCount(queue, 0);
      expect(recorder.ids).toEqual([]);
    },
  );

  it("gives a job back to its old place when its worker closes, and counts that for nothing", async () => {
    const rig = await RabbitmqRig.open({ queues });
    const [first, second] = createSampleJobs(2);
    await rig.broker.enqueue({ jobs: [first!, second!] });
    for (let round = 0; round < 4; round++) {
      const holding = new HoldingRecorder();
      const consumer = rig.consume(holding.execute, { maxDeliveries: 2 });
      await waitUntil(() => holding.running === 1, 5_000, "the first job runs");
      expect(holding.deliveries[0]!.job).toMatchObject({ id: first!.id, attempt: 1, deliveries: 1 });
      await consumer.close();
    }
    const recorder = new Recorder();
    rig.consume(recorder.execute, { maxDeliveries: 2 });
    await waitUntil(() => recorder.ids.length === 2, 5_000, "both have run");
    expect(recorder.ids).toEqual([first!.id, second!.id]);
  });

  it("runs none again of a hundred jobs that have succeeded right before it closes", async () => {
    const rig = await RabbitmqRig.open({ queues });
    const jobs = createSampleJobs(100);
    const closing = await rig.another();
    const recorder = new Recorder();
    rig.consume(recorder.execute, { broker: closing, slots: 100 });
    await rig.broker.enqueue({ jobs });
    await waitUntil(() => recorder.ids.length === 100 && recorder.running === 0, 10_000, "all have run");
    await closing.close();
    const again = new Recorder();
    rig.consume(again.execute, { slots: 100 });
    const last = createSampleJob({ priority: 0 });
    await rig.broker.enqueue({ jobs: [last] });
    await waitUntil(() => again.ids.includes(last.id), 5_000, "the last job has run");
    expect(again.ids).toEqual([last.id]);
    expect(rig.errors).toEqual([]);
  });

  it("runs a job once that has two messages, and forgets both", async () => {
    const rig = await RabbitmqRig.open({ queues });
    const job = createSampleJob();
    await rig.broker.enqueue({ jobs: [job] });
    const { content, properties } = await rig.take("default");
    for (let copy = 0; copy < 2; copy++) await rig.publish("default", content, properties);
    const holding = new HoldingRecorder();
    const consumer = rig.consume(holding.execute, { slots: 2 });
    await waitUntil(() => holding.running > 0, 5_000, "the job runs");
    await rig.untilCount("default", 0);
    holding.letGo();
    await consumer.idle();
    await consumer.close();
    expect(holding.ids).toEqual([job.id]);
    // What the worker had not settled would be there again.
    for (const queue of ["default", "default.front"]) await rig.untilCount(queue, 0);
  });

  it("does not run a job that has expired", async () => {
    const rig = await RabbitmqRig.open({ queues });
    const [job, last] = [createSampleJob({ expiresMs: 50 }), createSampleJob()];
    await rig.broker.enqueue({ jobs: [job, last] });
    await pass(60);
    const recorder = new Recorder();
    rig.consume(recorder.execute);
    await waitUntil(() => recorder.ids.includes(last.id), 5_000, "the other job has run");
    expect(recorder.ids).toEqual([last.id]);
    await rig.untilCount("default", 0);
  });

  it("starts jobs when their delay is over, in the order of that", async () => {
    const rig = await RabbitmqRig.open({ queues });
    const recorder = new TimingRecorder();
    rig.consume(recorder.execute, { slots: 10 });
    // The ladder is made once: that is not measured.
    const before = createSampleJob({ delayMs: 8 });
    await rig.store([before]);
    await waitUntil(() => recorder.ids.includes(before.id), 10_000, "the ladder is there");
    const startMs = performance.now();
    const delays = [3_000, 1_000, 50];
    const jobs = delays.map((delayMs) => createSampleJob({ delayMs }));
    await rig.broker.enqueue({ jobs });
    const storedMs = performance.now() - startMs;
    await waitUntil(() => jobs.every(({ id }) => recorder.times.has(id)), 15_000, "all have run");
    const ids = jobs.map(({ id }) => id);
    expect(recorder.ids.slice(-3)).toEqual(ids.toReversed());
    for (const [index, atMs] of timesOf(recorder, ids).entries()) {
      // Half a step of the ladder early at most, and late by what a busy machine needs.
      expect(atMs - startMs).toBeGreaterThan(delays[index]! - 5);
      expect(atMs - startMs).toBeLessThan(delays[index]! + storedMs + 1_000);
    }
  });

  it("runs no job early whose delay is longer than a message can wait", async () => {
    const rig = await RabbitmqRig.open({ queues });
    const recorder = new TimingRecorder();
    rig.consume(recorder.execute);
    const job = createSampleJob({ delayMs: 2 * maxDelayMs });
    await rig.store([job]);
    // It comes when the longest wait is over, and goes back to wait for the rest.
    const { properties, content } = await rig.take("delay.27");
    await rig.publish("default", content, properties);
    await rig.untilCount("delay.27", 1);
    // What is left in the end is short.
    const at = Date.now() + 400;
    const headers = { ...properties.headers, eta: new Date(at).toISOString() };
    await rig.publish("default", content, { ...properties, headers });
    await waitUntil(() => recorder.ids.length > 0, 10_000, "the job has run");
    expect(Date.now()).toBeGreaterThanOrEqual(at - 1);
    expect(recorder.ids).toEqual([job.id]);
  });

  it("keeps dead letters for as long as failed jobs of their task are kept", async () => {
    const rig = await RabbitmqRig.open({ queues });
    rig.consume(() => failed());
    await rig.broker.enqueue({ jobs: [createSampleJob({ keepFailedMs: 2 ** 32 })] });
    await rig.untilCount("default.dead", 1);
    expect((await rig.take("default.dead")).properties.expiration).toBeUndefined();
    await rig.broker.enqueue({ jobs: [createSampleJob({ keepFailedMs: 1_500 })] });
    await rig.untilCount("default.dead", 1);
    await rig.untilCount("default.dead", 0);
  });

  it("gives what waits in a busy worker to one that is idle, after a while", async () => {
    const rig = await RabbitmqRig.open({ queues });
    const busy = new HoldingRecorder();
    rig.consume(busy.execute);
    await rig.broker.enqueue({ jobs: [createSampleJob({ priority: 9 })] });
    await waitUntil(() => busy.running === 1, 5_000, "the worker is busy");
    const urgent = createSampleJob({ priority: 9, queue: "default" });
    const usual = createSampleJob({ priority: 4 });
    await rig.broker.enqueue({ jobs: [urgent, usual] });
    // Where each priority has its own queue, the second of the jobs has come to the busy worker.
    if (queues === "quorum") await rig.untilCount("default.p4", 0);
    const idle = new Recorder();
    rig.consume(idle.execute, { broker: await rig.another() });
    await waitUntil(() => idle.ids.length === 2, 6_000, "the idle worker has run both");
    expect(new Set(idle.ids)).toEqual(new Set([urgent.id, usual.id]));
    busy.letGo();
    await waitUntil(() => busy.running === 0, 5_000, "the worker is idle");
    expect(busy.ids).toHaveLength(1);
  });
});

withRabbitmq("rabbitmq without results", () => {
  const unreadable: readonly (readonly [string, string, Parameters<RabbitmqRig["publish"]>[2], string])[] = [
    ["garbage", "\u0000{", { headers: { id: "1", task: "t" }, contentType: "application/json" }, "invalid_json"],
    [
      "pickle",
      "x",
      { headers: { id: "1", task: "t" }, contentType: "application/x-python-serialize" },
      "unsupported_content",
    ],
    ["no headers at all", "[[],{},{}]", { contentType: "application/json" }, "invalid_headers"],
    [
      "a list of another length",
      "[[]]",
      { headers: { id: "1", task: "t" }, contentType: "application/json" },
      "invalid_body",
    ],
    ["broken headers of ours", "[[],{},{}]", { headers: { id: "1", task: "t", afterword: "{" } }, "invalid_headers"],
    ["headers of ours without a task", "[[],{},{}]", { headers: { id: "1", afterword: "{}" } }, "invalid_headers"],
    ["settings that are none", "[[],{},{}]", { headers: { id: "1", task: "t", afterword: "7" } }, "invalid_headers"],
    [
      "a state that is none",
      "[[],{},{}]",
      { headers: { id: "1", task: "t", afterword: '{"attempts":1,"backoff":{}}', afterword_state: "null" } },
      "invalid_headers",
    ],
  ];

  it("puts messages that cannot be read to the dead letters, says why, and goes on with the next", async () => {
    const rig = await RabbitmqRig.open();
    const recorder = new Recorder();
    rig.consume(recorder.execute);
    const [before, after] = createSampleJobs(2);
    await rig.broker.enqueue({ jobs: [before!] });
    for (const [, body, options] of unreadable) await rig.publish("default", body, options);
    await rig.untilCount("default.dead", unreadable.length);
    await rig.broker.enqueue({ jobs: [after!] });
    await waitUntil(() => recorder.ids.length === 2, 5_000, "both jobs have run");
    for (const [what, body, options, code] of unreadable) {
      const { properties, content } = await rig.take("default.dead");
      expect([what, readHeader(properties.headers, "afterword_error").code]).toEqual([what, code]);
      expect(content.toString()).toBe(body);
      expect(properties.headers).toMatchObject((options?.headers ?? {}) as object);
    }
    expect(rig.errors.map(({ code }) => code)).toEqual(unreadable.map(() => "undecodable"));
  });

  it("runs what a program of Celery's has sent, with its keyword arguments as an object behind the others", async () => {
    const rig = await RabbitmqRig.open();
    const recorder = new Recorder();
    rig.consume(recorder.execute);
    await rig.untilMade("default");
    const [one, two] = [randomUUID(), randomUUID()];
    await rig.publishCall({ id: one, task: "resize" }, ["a.png", 3], { crop: true });
    await rig.publishCall({ id: two, task: "resize", retries: 1 }, ["b.png"]);
    await waitUntil(() => recorder.ids.length === 2, 5_000, "both have run");
    expect(recorder.ids).toEqual([one, two]);
    expect(recorder.args).toEqual([["a.png", 3, { crop: true }], ["b.png"]]);
    expect(recorder.deliveries.map(({ job }) => [job.task, job.attempt])).toEqual([
      ["resize", 1],
      ["resize", 2],
    ]);
  });

  it("waits for the eta of such a message, and does not run one that has expired", async () => {
    const rig = await RabbitmqRig.open();
    const recorder = new TimingRecorder();
    rig.consume(recorder.execute, { slots: 4 });
    await rig.untilMade("default");
    const [late, expired, last] = [randomUUID(), randomUUID(), randomUUID()];
    const at = Date.now() + 500;
    await rig.publishCall({ id: late, task: "t", eta: new Date(at).toISOString() });
    await rig.publishCall({ id: expired, task: "t", expires: new Date(Date.now() - 1_000).toISOString() });
    await rig.publishCall({ id: last, task: "t" });
    await waitUntil(() => recorder.ids.includes(late), 15_000, "the late one has run");
    expect(Date.now()).toBeGreaterThanOrEqual(at - 1);
    expect(recorder.ids).toEqual([last, late]);
  });

  it("lets two workers share the work", async () => {
    const rig = await RabbitmqRig.open();
    const recorders = [new Recorder(), new Recorder()];
    rig.consume(recorders[0]!.execute, { slots: 2 });
    rig.consume(recorders[1]!.execute, { slots: 2, broker: await rig.another() });
    const jobs = createSampleJobs(200);
    await rig.broker.enqueue({ jobs });
    const ids = (): readonly string[] => recorders.flatMap((recorder) => recorder.ids);
    await waitUntil(() => ids().length >= 200, 10_000, "all have run");
    expect(new Set(ids())).toEqual(new Set(jobs.map(({ id }) => id)));
    for (const recorder of recorders) expect(recorder.ids.length).toBeGreaterThan(20);
  });

  it("stores what thousands of callers hand over at the same time", async () => {
    const rig = await RabbitmqRig.open();
    await rig.broker.enqueue({ jobs: [createSampleJob()] });
    const jobs = createSampleJobs(5_000);
    await Promise.all(jobs.map((job) => rig.broker.enqueue({ jobs: [job] })));
    await rig.untilCount("default", 5_001);
    await rig.broker.enqueue({ jobs: createSampleJobs(5_000) });
    await rig.untilCount("default", 10_001);
  });

  it("stores a job whose arguments need many frames, and one that has failed with a long error again and again", async () => {
    const rig = await RabbitmqRig.open();
    const long = "ä".repeat(8_000);
    const sizes: number[] = [];
    rig.consume(({ job }) => {
      sizes.push(job.args.length);
      return job.attempt < 20 ? { ...retryIn(0), error: { name: "Error", message: long, stack: long } } : succeeded();
    });
    const job = createSampleJob({ args: JSON.stringify(["x".repeat(1_000_000)]), attempts: 20 });
    await rig.broker.enqueue({ jobs: [job] });
    await waitUntil(() => sizes.length === 20, 15_000, "the last attempt has run");
    expect(new Set(sizes)).toEqual(new Set([1_000_004]));
    expect(rig.errors).toEqual([]);
  });

  it("refuses a queue whose name cannot be used, at once, and nothing else with it", async () => {
    const rig = await RabbitmqRig.open();
    await rig.store([createSampleJob()]);
    const [long, wild, good] = await Promise.allSettled([
      rig.broker.enqueue({ jobs: [createSampleJob({ queue: "q".repeat(200) })] }),
      rig.broker.enqueue({ jobs: [createSampleJob({ queue: "*" })] }),
      rig.broker.enqueue({ jobs: [createSampleJob()] }),
    ]);
    for (const refused of [long, wild])
      expect(refused).toMatchObject({
        reason: { code: "not_stored", message: expect.stringContaining("190 bytes") as string },
      });
    expect(good.status).toBe("fulfilled");
  });

  it("says of a queue that is made otherwise how to mend that, to who stores and to the worker, and takes nothing else with it", async () => {
    const rig = await RabbitmqRig.open();
    const channel = await rig.channel();
    await rig.store([createSampleJob({ queue: "mail", priority: 9 })]);
    await channel.assertQueue(rig.nameOf("default"), { durable: false });
    const startMs = performance.now();
    const [bad, good] = await Promise.allSettled([
      rig.broker.enqueue({ jobs: [createSampleJob()] }),
      rig.broker.enqueue({ jobs: [createSampleJob({ queue: "mail" })] }),
    ]);
    const mend = expect.stringMatching(/default.*PRECONDITION_FAILED.*delete it when it is empty/) as string;
    expect(bad).toMatchObject({ reason: { code: "not_stored", message: mend } });
    expect(good.status).toBe("fulfilled");
    expect(performance.now() - startMs).toBeLessThan(2_000);
    const recorder = new Recorder();
    rig.consume(recorder.execute);
    await waitUntil(() => rig.errors.length > 0, 5_000, "the worker tells of it");
    await channel.deleteQueue(rig.nameOf("default"));
    const job = createSampleJob();
    await rig.broker.enqueue({ jobs: [job] });
    await waitUntil(() => recorder.ids.length > 0, 5_000, "the worker begins when the queue can be used");
    expect(rig.errors).toMatchObject([{ code: "not_stored", message: mend }]);
  });

  it("makes a queue again that was deleted, for those who store and for those who wait", async () => {
    const rig = await RabbitmqRig.open();
    const recorder = new Recorder();
    rig.consume(recorder.execute);
    const [first, second, third, delayed] = createSampleJobs(4);
    await rig.broker.enqueue({ jobs: [first!] });
    await waitUntil(() => recorder.ids.length === 1, 5_000, "the first job has run");
    await rig.store([{ ...delayed!, delayMs: 2_500 }]);
    const channel = await rig.channel();
    for (const ending of ["", ".front", ".p9"]) await channel.deleteQueue(rig.nameOf(`default${ending}`));
    await rig.broker.enqueue({ jobs: [second!] });
    await waitUntil(() => recorder.ids.length === 2, 5_000, "the second job has run");
    await channel.deleteQueue(rig.nameOf("default"));
    await rig.broker.enqueue({ jobs: [third!] });
    await waitUntil(() => recorder.ids.length === 4, 10_000, "the third and the delayed job have run");
    expect(recorder.ids).toEqual([first!.id, second!.id, third!.id, delayed!.id]);
  });
});

withRabbitmq("rabbitmq with results", () => {
  async function openRig(): Promise<{ readonly rig: RabbitmqRig; readonly file: string }> {
    const file = join(await createTempDirectory(), "results.db");
    return { rig: await RabbitmqRig.open({ results: sqlite(file) }), file };
  }

  async function statusOf(broker: Broker, id: string): Promise<string | undefined> {
    return (await broker.get({ ids: [id] }))[0]?.status;
  }

  it("runs a job whose message was lost", async () => {
    const { rig } = await openRig();
    const job = createSampleJob();
    await rig.broker.enqueue({ jobs: [job] });
    const channel = await rig.channel();
    expect((await channel.purgeQueue(rig.nameOf("default"))).messageCount).toBe(1);
    rig.consume(() => succeeded(1));
    await waitUntil(async () => (await statusOf(rig.broker, job.id)) === "succeeded", 5_000, "the job has succeeded");
  });

  it("does not run a job that was canceled or removed while its message waited", async () => {
    const { rig } = await openRig();
    const [canceled, removed, last] = createSampleJobs(3);
    await rig.broker.enqueue({ jobs: [canceled!, removed!, last!] });
    await rig.broker.cancel({ ids: [canceled!.id], reason: "no" });
    await rig.broker.cancel({ ids: [removed!.id], reason: "no" });
    await rig.broker.remove({ ids: [removed!.id] });
    const recorder = new Recorder();
    rig.consume(recorder.execute);
    await waitUntil(
      async () => (await statusOf(rig.broker, last!.id)) === "succeeded",
      5_000,
      "the last has succeeded",
    );
    expect(recorder.ids).toEqual([last!.id]);
    expect(await statusOf(rig.broker, canceled!.id)).toBe("canceled");
    expect(await statusOf(rig.broker, removed!.id)).toBeUndefined();
    await rig.untilCount("default", 0);
  });

  it("keeps what a program of Celery's has sent, and runs it once, at its time", async () => {
    const { rig } = await openRig();
    const recorder = new Recorder(() => succeeded("done"));
    rig.consume(recorder.execute, { slots: 2 });
    await rig.untilMade("default");
    const [now, later] = [randomUUID(), randomUUID()];
    await rig.publishCall({ id: now, task: "resize" }, ["a.png"], { crop: true });
    await rig.publishCall({ id: later, task: "resize", eta: new Date(Date.now() + 700).toISOString() });
    await waitUntil(async () => (await statusOf(rig.broker, later)) === "scheduled", 5_000, "the later one waits");
    await waitUntil(async () => (await statusOf(rig.broker, now)) === "succeeded", 5_000, "the first has succeeded");
    expect((await rig.broker.get({ ids: [now] }))[0]).toMatchObject({ task: "resize", result: '"done"' });
    expect(recorder.args[0]).toEqual(["a.png", { crop: true }]);
    await waitUntil(
      async () => (await statusOf(rig.broker, later)) === "succeeded",
      5_000,
      "the later one has succeeded",
    );
    // The message comes a second time, as after a lost acknowledgment.
    await rig.publishCall({ id: now, task: "resize" }, ["a.png"], { crop: true });
    await rig.untilCount("default", 0);
    const last = createSampleJob();
    await rig.broker.enqueue({ jobs: [last] });
    await waitUntil(() => recorder.ids.includes(last.id), 5_000, "the last has run");
    expect(recorder.ids).toEqual([now, later, last.id]);
  });

  it("puts a message to the dead letters that cannot be read, or whose id is no UUID", async () => {
    const { rig } = await openRig();
    const recorder = new Recorder();
    rig.consume(recorder.execute);
    await rig.untilMade("default");
    await rig.publish("default", "\u0000", { headers: { id: randomUUID(), task: "t" } });
    await rig.publishCall({ id: "my-own-id", task: "t" });
    await rig.untilCount("default.dead", 2);
    const job = createSampleJob();
    await rig.broker.enqueue({ jobs: [job] });
    await waitUntil(() => recorder.ids.length > 0, 5_000, "the next job has run");
    expect(recorder.ids).toEqual([job.id]);
    expect(rig.errors.map(({ code }) => code)).toEqual(["undecodable", "undecodable"]);
  });

  it("loses no place for messages while the results cannot be written", async () => {
    const { rig, file } = await openRig();
    const [first, second, ...others] = createSampleJobs(5);
    await rig.broker.enqueue({ jobs: [first!] });
    const holding = new HoldingRecorder();
    rig.consume(holding.execute);
    await waitUntil(() => holding.running === 1, 5_000, "the worker is busy");
    await rig.broker.enqueue({ jobs: [second!] });
    await rig.untilCount("default", 0);
    const unlock = lockFile(file);
    holding.letGo();
    await waitUntil(() => rig.errors.length > 0, 10_000, "the worker tells of it");
    await unlock();
    await waitUntil(() => holding.ids.length === 2, 10_000, "the second job has run");
    await rig.broker.enqueue({ jobs: others });
    await waitUntil(() => holding.ids.length === 5, 10_000, "all have run");
    // One that was taken and never settled would keep the worker from all that follow.
    await rig.untilCount("default", 0);
  });

  it("says that jobs are stored, perhaps, when their messages were not taken", async () => {
    const { rig } = await openRig();
    const job = createSampleJob({ queue: "q".repeat(200) });
    await expect(rig.broker.enqueue({ jobs: [job] })).rejects.toMatchObject({ code: "maybe_stored" });
    expect(await statusOf(rig.broker, job.id)).toBe("queued");
  });
});

withRabbitmq("rabbitmq()", () => {
  it.each([
    ["a port where nobody is", { port: "1" }, /127\.0\.0\.1:1 cannot be used.*ECONNREFUSED.*Is it running/],
    ["a wrong password", { password: "secret-and-wrong" }, /ACCESS_REFUSED|ACCESS-REFUSED/],
    ["a virtual host that is not there", { pathname: "/nowhere" }, /virtual host does not exist/],
  ])("refuses to open with %s, soon, and says what is wrong without the password", async (_, part, message) => {
    const url = Object.assign(new URL(rabbitmqUrl), part);
    const startMs = performance.now();
    const error = await rabbitmq(url.href)
      .open()
      .catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: "broker_open_failed", message: expect.stringMatching(message) as string });
    expect((error as Error).message).not.toContain("secret");
    expect(performance.now() - startMs).toBeLessThan(2_500);
  });

  it.each([
    [() => rabbitmq("http://x"), /amqp:\/\/ or amqps:\/\//],
    [() => rabbitmq("http://me:secret@host"), /^(?!.*secret)/],
    [() => rabbitmq(7 as never), /URL such as/],
    [() => rabbitmq("amqp://x", { prefx: "a" } as never), /no option "prefx".*url, results, queues, prefix/],
    [() => rabbitmq("amqp://x", { queues: "fast" as never }), /"quorum" or "classic"/],
    [() => rabbitmq("amqp://x", { prefix: "a*" }), /without \* and #/],
    [() => rabbitmq("amqp://x", { results: rabbitmq() }), /a broker that keeps jobs/],
  ])("says early what is wrong with an option (%#)", (declare, message) => {
    expect(declare).toThrow(message);
  });
});
