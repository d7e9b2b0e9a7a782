import assert from "node:assert/strict";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJobs } from "../sample-job.ts";
import { pass, within } from "../wait.ts";

export const shutdownCases: CaseGroup = {
  name: "stop, idle and close of a consumer",
  cases: [
    brokerCase("claims nothing after stop", ["results"], async (bench) => {
      const stopped = new Recorder();
      const consumer = bench.consume(stopped.execute);
      const first = await bench.enqueue();
      await bench.succeed(first.id);
      await consumer.stop();
      await consumer.stop();
      const second = await bench.enqueue();
      await pass(100);
      assert.equal((await bench.get(second.id)).status, "queued");
      bench.consume(() => succeeded());
      await bench.succeed(second.id);
      assert.deepEqual(stopped.ids, [first.id]);
    }),
    brokerCase(
      "leaves running jobs alone at stop, and is idle when their endings are stored",
      ["results"],
      async (bench) => {
        const holding = bench.holding();
        const consumer = bench.consume(holding.execute, { slots: 3 });
        const jobs = createSampleJobs(3);
        await bench.broker.enqueue({ jobs });
        await bench.until(() => holding.running === 3, "the jobs run");
        await consumer.stop();
        let isIdle = false;
        const idle = consumer.idle().then(() => (isIdle = true));
        await pass(50);
        assert.equal(isIdle, false);
        assert.deepEqual(
          holding.deliveries.map(({ abortReason }) => abortReason),
          [undefined, undefined, undefined],
        );
        holding.letGo();
        await within(idle, bench.patienceMs, "idle() to resolve");
        assert.equal(consumer.running, 0);
        for (const { id } of jobs) assert.equal((await bench.get(id)).status, "succeeded");
      },
    ),
    brokerCase("is idle at once where nothing runs", [], async (bench) => {
      const consumer = bench.consume(() => succeeded());
      await within(Promise.all([consumer.idle(), consumer.idle()]), bench.patienceMs, "idle() to resolve");
      await bench.closeConsumer(consumer);
      await within(consumer.idle(), bench.patienceMs, "idle() to resolve after close()");
    }),
    brokerCase("has given all jobs back when close resolves, aborted with shutdown", ["results"], async (bench) => {
      const holding = bench.holding();
      const consumer = bench.consume(holding.execute, { slots: 3 });
      const jobs = createSampleJobs(3);
      await bench.broker.enqueue({ jobs });
      await bench.until(() => holding.running === 3, "the jobs run");
      await bench.closeConsumer(consumer);
      const statuses = (await bench.broker.get({ ids: jobs.map(({ id }) => id) })).map((job) => job?.status);
      assert.deepEqual(statuses, ["queued", "queued", "queued"]);
      for (const { abortReason, signal } of holding.deliveries) {
        assert.equal(abortReason?.code, "shutdown");
        assert.equal(signal.aborted, true);
      }
    }),
    brokerCase("takes back jobs that end as released when they hear of it", ["results"], async (bench) => {
      const recorder = new Recorder(
        ({ signal }) =>
          new Promise((resolve) =>
            signal.addEventListener("abort", () => resolve({ status: "released" }), { once: true }),
          ),
      );
      const consumer = bench.consume(recorder.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => recorder.running === 1, "the job runs");
      await bench.closeConsumer(consumer);
      const job = await bench.get(id);
      assert.deepEqual([job.status, job.attempt, job.deliveries], ["queued", 0, 0]);
    }),
    brokerCase("lets others run at once what was given back, not after the lease", ["results"], async (bench) => {
      const other = await bench.other();
      const holding = bench.holding();
      const recorder = new Recorder();
      const consumer = bench.consume(holding.execute, { leaseMs: 600_000 });
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      bench.consume(recorder.execute, { broker: other, leaseMs: 600_000 });
      await bench.closeConsumer(consumer);
      await bench.succeed(id);
      assert.deepEqual(recorder.ids, [id]);
    }),
    brokerCase("takes the worker from the list", [], async (bench) => {
      const consumer = bench.consume(() => succeeded());
      await bench.until(async () => (await bench.broker.workers()).length === 1, "the worker is listed");
      await bench.closeConsumer(consumer);
      assert.deepEqual(await bench.broker.workers(), []);
    }),
    brokerCase("closes twice, and at the same time, without harm", [], async (bench) => {
      const consumer = bench.consume(() => succeeded());
      await Promise.all([consumer.stop(), consumer.stop()]);
      await within(Promise.all([consumer.close(), consumer.close()]), bench.patienceMs, "close() twice");
      await within(consumer.close(), bench.patienceMs, "close() once more");
    }),
    brokerCase("leaves other consumers of the broker alone", ["results"], async (bench) => {
      const one = bench.consume(() => succeeded());
      bench.consume(() => succeeded());
      await bench.closeConsumer(one);
      const { id } = await bench.enqueue();
      await bench.succeed(id);
    }),
  ],
};
