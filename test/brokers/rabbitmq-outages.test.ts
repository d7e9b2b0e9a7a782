import { join } from "node:path";
import { connect } from "amqplib";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { Amqp } from "../../src/brokers/rabbitmq/load-amqp.ts";
import { toRabbitmqConfig } from "../../src/brokers/rabbitmq/options.ts";
import { Session } from "../../src/brokers/rabbitmq/session.ts";
import { sqlite } from "../../src/brokers/sqlite/index.ts";
import type { NewJob } from "../../src/tasks/job.ts";
import { StoreError } from "../../src/tasks/store-error.ts";
import { retryIn, succeeded } from "../../src/testing/describe-broker/endings.ts";
import { HoldingRecorder, Recorder } from "../../src/testing/describe-broker/recorder.ts";
import { createSampleJob, createSampleJobs } from "../../src/testing/describe-broker/sample-job.ts";
import { pass, waitUntil } from "../../src/testing/describe-broker/wait.ts";
import { RabbitmqNode } from "../support/rabbitmq-node.ts";
import { createTempDirectory, removeTempDirectories } from "../support/temp-directory.ts";
import { withRabbitmqPrograms } from "../support/test-servers.ts";
import { Proxy } from "../support/proxy.ts";
import { RabbitmqRig, type RigOptions } from "./rabbitmq-rig.ts";

/** What was promised, and a moment for a busy machine. */
const answerMs = 2_500;

let node: RabbitmqNode | undefined;

/** One for all tests of this file, as it takes seconds to start. */
function ownNode(): RabbitmqNode {
  return node!;
}

async function openProxy(): Promise<{ readonly proxy: Proxy; readonly options: RigOptions }> {
  const proxy = await Proxy.open({ host: "127.0.0.1", port: ownNode().port });
  onTestFinished(() => proxy.close());
  const url = new URL(ownNode().url);
  url.port = String(proxy.port);
  return { proxy, options: { url: url.href, directUrl: ownNode().url } };
}

async function withResults(): Promise<RigOptions> {
  return { results: sqlite(join(await createTempDirectory(), "results.db")) };
}

/** Stores jobs all the time, of all priorities, some of them with a delay; a worker runs them. */
class Load {
  readonly confirmed: NewJob[] = [];
  readonly ran: Set<string> = new Set();
  readonly #rig: RabbitmqRig;
  readonly #refusals: unknown[] = [];
  #slowestMs = 0;
  #isOver = false;
  readonly #clients: readonly Promise<void>[];

  constructor(rig: RabbitmqRig) {
    this.#rig = rig;
    rig.consume(
      ({ job }) => {
        this.ran.add(job.id);
        return job.attempt === 1 && job.args === "[3]" ? retryIn(20) : succeeded();
      },
      { slots: 4 },
    );
    this.#clients = [0, 1, 2].map(() => this.#store());
  }

  /** Whether jobs are stored and run, since then. */
  async untilItGoesOn(what: string): Promise<void> {
    const [stored, ran] = [this.confirmed.length, this.ran.size];
    await waitUntil(() => this.confirmed.length > stored + 30 && this.ran.size > ran + 30, 20_000, what);
  }

  /** Everything that was confirmed has run; whatever was refused was so soon, with an error that is a 503. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    const missing = (): NewJob[] => this.confirmed.filter(({ id }) => !this.ran.has(id));
    await waitUntil(() => missing().length === 0, 20_000, "all confirmed jobs have run").catch((cause: unknown) => {
      const shown = missing().map(({ priority, delayMs }) => ({ priority, delayMs }));
      throw new Error(`${shown.length} of ${this.confirmed.length} did not run: ${JSON.stringify(shown)}`, { cause });
    });
    for (const refusal of this.#refusals) expect(refusal).toBeInstanceOf(StoreError);
    expect(this.#refusals.length).toBeGreaterThan(0);
    expect(this.#slowestMs).toBeLessThan(answerMs);
    expect(await this.#rig.count("default.dead")).toBe(0);
  }

  async #store(): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      const job = createSampleJob({
        args: `[${turn % 4}]`,
        priority: turn % 5 === 0 ? turn % 10 : 5,
        delayMs: turn % 10 === 0 ? 100 : 0,
      });
      const startMs = performance.now();
      await this.#rig.broker.enqueue({ jobs: [job] }).then(
        () => this.confirmed.push(job),
        (error: unknown) => this.#refusals.push(error),
      );
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startMs);
      // A server that refuses at once is not asked without end.
      await pass(2);
    }
  }
}

async function refusalOf(promise: Promise<unknown>): Promise<{ readonly code: unknown; readonly afterMs: number }> {
  const startMs = performance.now();
  const error: unknown = await promise.then(
    () => new Error("It was not refused"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  return { code: (error as StoreError).code, afterMs: performance.now() - startMs };
}

withRabbitmqPrograms("rabbitmq whose server goes away", () => {
  beforeAll(async () => {
    node = await RabbitmqNode.start();
  }, 90_000);

  afterAll(async () => {
    await node?.dispose();
    await removeTempDirectories();
  }, 30_000);

  it.each([
    ["is stopped and started", () => ownNode().stopApp(), () => ownNode().startApp()],
    ["is killed and started", () => ownNode().kill(), () => ownNode().start()],
    ["stands still and goes on", async () => ownNode().freeze(), async () => ownNode().continue()],
  ] as const)(
    "refuses in time when it %s under load, goes on by itself, and loses nothing",
    { timeout: 90_000 },
    async (_, away, back) => {
      const url = ownNode().url;
      const rigs = [
        await RabbitmqRig.open({ url }),
        await RabbitmqRig.open({ url, queues: "classic" }),
        await RabbitmqRig.open({ url, ...(await withResults()) }),
      ];
      const loads = rigs.map((rig) => new Load(rig));
      onTestFinished(back);
      await Promise.all(loads.map((load) => load.untilItGoesOn("jobs are stored and run")));
      await away();
      await pass(2_000);
      const startMs = performance.now();
      const refused = await Promise.all(
        rigs.flatMap(({ broker }) => createSampleJobs(500).map((job) => refusalOf(broker.enqueue({ jobs: [job] })))),
      );
      expect(performance.now() - startMs).toBeLessThan(answerMs);
      expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["not_stored"]));
      await back();
      await Promise.all(loads.map((load) => load.untilItGoesOn("jobs are stored and run again")));
      await Promise.all(loads.map((load) => load.end()));
    },
  );

  it(
    "takes no jobs while its memory is full, says so soon, and hands out what it has",
    { timeout: 60_000 },
    async () => {
      const { url } = ownNode();
      const rig = await RabbitmqRig.open({ url });
      const kept = await RabbitmqRig.open({ url, ...(await withResults()) });
      const leased = await RabbitmqRig.open({ url });
      const onceMore = new Set<string>();
      const holding = new HoldingRecorder();
      rig.consume(async (delivery) => {
        await holding.execute(delivery);
        if (delivery.job.args !== '["again"]' || delivery.job.attempt > 1) return succeeded();
        onceMore.add(delivery.job.id);
        return retryIn(0);
      });
      const [first, ...others] = [...createSampleJobs(20), createSampleJob({ args: '["again"]', priority: 4 })];
      await rig.broker.enqueue({ jobs: [first!] });
      await waitUntil(() => holding.running === 1, 5_000, "the worker is busy");
      await rig.broker.enqueue({ jobs: others });
      await kept.broker.enqueue({ jobs: [createSampleJob()] });
      // The ending of this job cannot be stored within its lease: then the job is handed out once more.
      const { promise: full, resolve: setFull } = Promise.withResolvers<void>();
      const tries: string[] = [];
      leased.consume(
        async ({ job: { attempt, deliveries } }) => {
          tries.push(`attempt ${attempt}, delivery ${deliveries}`);
          await full;
          return attempt === 1 && deliveries === 1 ? retryIn(0) : succeeded();
        },
        { leaseMs: 900 },
      );
      await leased.broker.enqueue({ jobs: [createSampleJob()] });
      await waitUntil(() => tries.length === 1, 5_000, "the job of the short lease runs");
      await ownNode().control("set_vm_memory_high_watermark", "absolute", "1MB");
      onTestFinished(async () => void (await ownNode().control("set_vm_memory_high_watermark", "0.9")));
      await refusalOf(leased.broker.enqueue({ jobs: [createSampleJob({ queue: "mail" })] }));
      setFull();
      // What waits in the busy worker cannot be given back meanwhile, and must not be forgotten: it tries after 2 s.
      let refused = 0;
      const endMs = performance.now() + 4_500;
      while (performance.now() < endMs) {
        for (const { broker } of [rig, kept])
          await broker.enqueue({ jobs: [createSampleJob({ queue: "mail" })] }).catch((error: unknown) => {
            expect(error).toBeInstanceOf(StoreError);
            refused++;
          });
        await pass(50);
      }
      const { code, afterMs } = await refusalOf(rig.broker.enqueue({ jobs: [createSampleJob({ queue: "mail" })] }));
      expect([code, afterMs < 500]).toEqual(["not_stored", true]);
      const listed = await refusalOf(kept.broker.enqueue({ jobs: [createSampleJob({ queue: "mail" })] }));
      expect([listed.code, listed.afterMs < 500]).toEqual(["not_stored", true]);
      // Refused before anything was written.
      expect(refused).toBeGreaterThan(10);
      expect(tries).toEqual(["attempt 1, delivery 1", "attempt 1, delivery 2"]);
      holding.letGo();
      await waitUntil(() => holding.ids.length >= 20, 10_000, "all others run while nothing is taken");
      await waitUntil(() => onceMore.size === 1, 10_000, "the last one has failed while nothing is taken");
      await ownNode().control("set_vm_memory_high_watermark", "0.9");
      await rig.store([createSampleJob()]);
      await waitUntil(() => holding.ids.length >= 23, 10_000, "the retry and the new job have run");
      expect(new Set(holding.ids).size).toBe(22);
    },
  );

  it(
    "notices that the connection of an idle worker is silent, and resumes when it is not",
    { timeout: 40_000 },
    async () => {
      const { proxy, options } = await openProxy();
      const direct = await RabbitmqRig.open(options);
      const recorder = new Recorder();
      direct.consume(recorder.execute);
      const before = createSampleJob();
      await direct.broker.enqueue({ jobs: [before] });
      await waitUntil(() => recorder.ids.length === 1, 5_000, "a job has run");
      proxy.silence();
      const startMs = performance.now();
      await waitUntil(() => direct.errors.length > 0, 12_000, "the worker tells of it");
      expect(performance.now() - startMs).toBeLessThan(10_000);
      expect(direct.errors[0]).toMatchObject({ code: "not_stored" });
      // What waits at the server is there for others.
      proxy.restore();
      const after = createSampleJob();
      await direct.store([after]);
      await waitUntil(() => recorder.ids.includes(after.id), 5_000, "the next job has run");
    },
  );

  it("gives up no job because connections are cut again and again", { timeout: 60_000 }, async () => {
    const { proxy, options } = await openProxy();
    const rig = await RabbitmqRig.open(options);
    const holding = new HoldingRecorder();
    rig.consume(holding.execute, { slots: 1, maxDeliveries: 3 });
    // Those of other priorities wait in the worker as well, and are handed out anew each time.
    const jobs = [9, 5, 4, 1].map((priority) => createSampleJob({ priority }));
    await rig.broker.enqueue({ jobs });
    await waitUntil(() => holding.ids.length === 1, 5_000, "the worker is busy");
    for (let round = 2; round <= 6; round++) {
      await rig.untilCount("default.p4", 0);
      proxy.cut();
      await waitUntil(() => holding.ids.length === round, 10_000, "the worker has the job once more");
    }
    holding.letGo();
    await waitUntil(() => jobs.every(({ id }) => holding.ids.includes(id)), 10_000, "all have run");
    expect(await rig.count("default.dead")).toBe(0);
    // Each ended once, though.
    await Promise.all(["default", "default.p9", "default.p4", "default.p1"].map((queue) => rig.untilCount(queue, 0)));
  });

  it("keeps no messages for a worker that was closed before it had begun", { timeout: 30_000 }, async () => {
    const { proxy, options } = await openProxy();
    const rig = await RabbitmqRig.open(options);
    const recorder = new Recorder();
    rig.consume(recorder.execute);
    const [first, ...others] = createSampleJobs(21);
    await rig.broker.enqueue({ jobs: [first!] });
    await waitUntil(() => recorder.ids.length === 1, 5_000, "the first job has run");
    proxy.silenceAnswers();
    await rig.consume(() => new Promise(() => {})).close();
    proxy.restore();
    await rig.broker.enqueue({ jobs: others });
    await waitUntil(() => recorder.ids.length === 21, 5_000, "all have run");
  });

  it(
    "refuses what a queue does not take, which concerns no other queue, and stores again when it does",
    { timeout: 40_000 },
    async () => {
      const rig = await RabbitmqRig.open({ url: ownNode().url });
      await rig.broker.enqueue({ jobs: [createSampleJob()] });
      const limit = JSON.stringify({ "max-length": 5, overflow: "reject-publish" });
      await ownNode().control("set_policy", "full", `^${rig.nameOf("default")}$`, limit, "--apply-to", "queues");
      onTestFinished(
        async () =>
          void (await ownNode()
            .control("clear_policy", "full")
            .catch(() => "")),
      );
      const outcomes = (): Promise<readonly PromiseSettledResult<unknown>[]> =>
        Promise.allSettled([
          refusalOf(rig.broker.enqueue({ jobs: [createSampleJob()] })),
          rig.broker.enqueue({ jobs: [createSampleJob({ queue: "mail" })] }),
        ]);
      await waitUntil(async () => (await outcomes())[0]!.status === "fulfilled", 10_000, "the queue is full");
      for (let round = 0; round < 3; round++)
        expect(await outcomes()).toMatchObject([
          { status: "fulfilled", value: { code: "maybe_stored" } },
          { status: "fulfilled" },
        ]);
      rig.consume(() => succeeded());
      await waitUntil(async () => (await outcomes())[0]!.status === "rejected", 10_000, "the queue takes jobs again");
    },
  );

  it("survives a server that goes silent while a connection is made", { timeout: 30_000 }, async () => {
    const { proxy, options } = await openProxy();
    const amqp = {
      connect: async (...values: Parameters<typeof connect>) => {
        const model = await connect(...values);
        proxy.silence();
        return model;
      },
    } as Amqp;
    // What an event that nobody listens to would do to the process is noticed by the test runner.
    await expect(Session.open(amqp, toRabbitmqConfig(options.url!, {}), () => {})).rejects.toThrow("did not answer");
  });

  it("tells what is known of a job: nothing has happened, or perhaps something", { timeout: 30_000 }, async () => {
    const { proxy, options } = await openProxy();
    const { broker } = await RabbitmqRig.open(options);
    await broker.enqueue({ jobs: [createSampleJob()] });
    proxy.silence();
    expect((await refusalOf(broker.enqueue({ jobs: [createSampleJob()] }))).code).toBe("maybe_stored");
    expect((await refusalOf(broker.enqueue({ jobs: [createSampleJob()] }))).code).toBe("not_stored");
  });

  it("closes while the server is silent and a job runs", { timeout: 30_000 }, async () => {
    const { proxy, options } = await openProxy();
    const rig = await RabbitmqRig.open(options);
    const recorder = new Recorder(() => new Promise(() => {}));
    rig.consume(recorder.execute);
    await rig.broker.enqueue({ jobs: [createSampleJob()] });
    await waitUntil(() => recorder.running === 1, 5_000, "the job runs");
    proxy.silence();
    const startMs = performance.now();
    await rig.broker.close();
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  it("says when it is opened that the server is silent", { timeout: 30_000 }, async () => {
    const { proxy, options } = await openProxy();
    proxy.silence();
    const startMs = performance.now();
    await expect(RabbitmqRig.open(options)).rejects.toMatchObject({ code: "broker_open_failed" });
    expect(performance.now() - startMs).toBeLessThan(answerMs);
  });
});
