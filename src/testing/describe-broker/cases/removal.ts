import assert from "node:assert/strict";
import type { Bench } from "../bench.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { failed, succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJob } from "../sample-job.ts";
import { pass } from "../wait.ts";

async function known(bench: Bench, ids: readonly string[]): Promise<readonly boolean[]> {
  return (await bench.broker.get({ ids })).map((job) => job !== undefined);
}

/** Jobs that have ended, in order: two that succeeded, in two queues, one that failed, one that was canceled. */
async function createEnded(bench: Bench): Promise<readonly string[]> {
  const canceled = await bench.enqueue();
  await bench.broker.cancel({ ids: [canceled.id], reason: "no" });
  const one = await bench.enqueue();
  const two = await bench.enqueue({ queue: "mail" });
  const three = await bench.enqueue({ task: "fail" });
  const consumer = bench.consume(({ job }) => (job.task === "fail" ? failed() : succeeded()), {
    queues: ["default", "mail"],
  });
  await bench.succeed(one.id, two.id);
  await bench.status(three.id, "failed");
  await bench.closeConsumer(consumer);
  return [one.id, two.id, three.id, canceled.id];
}

export const removalCases: CaseGroup = {
  name: "remove and purge",
  cases: [
    brokerCase("forgets a waiting job, which then never runs", ["list", "results"], async (bench) => {
      const { id } = await bench.enqueue();
      assert.deepEqual(await bench.broker.remove({ ids: [id] }), [true]);
      const recorder = new Recorder();
      bench.consume(recorder.execute);
      const marker = await bench.enqueue();
      await bench.succeed(marker.id);
      assert.deepEqual(recorder.ids, [marker.id]);
      assert.deepEqual(await known(bench, [id]), [false]);
    }),
    brokerCase("forgets jobs that have ended or are delayed", ["list", "results", "delay"], async (bench) => {
      const delayed = await bench.enqueue({ delayMs: 600_000 });
      const ids = [...(await createEnded(bench)), delayed.id];
      assert.deepEqual(await bench.broker.remove({ ids }), [true, true, true, true, true]);
      assert.deepEqual(await known(bench, ids), [false, false, false, false, false]);
      assert.deepEqual((await bench.broker.list({ filter: {}, limit: 10 })).jobs, []);
    }),
    brokerCase("removes no job that runs or is unknown", ["list", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      assert.deepEqual(await bench.broker.remove({ ids: [id, createSampleJob().id] }), [false, false]);
      assert.deepEqual(await bench.broker.remove({ ids: [] }), []);
      holding.letGo();
      await bench.succeed(id);
    }),
    brokerCase("purges ended jobs by status", ["list", "results"], async (bench) => {
      const ids = await createEnded(bench);
      const waiting = await bench.enqueue();
      assert.equal(await bench.broker.purge({ statuses: ["failed", "canceled"] }), 2);
      assert.deepEqual(await known(bench, [...ids, waiting.id]), [true, true, false, false, true]);
      assert.equal(await bench.broker.purge({ statuses: ["failed", "canceled"] }), 0);
      assert.equal(await bench.broker.purge({ statuses: [] }), 0);
    }),
    brokerCase("purges by queue and by task", ["list", "results"], async (bench) => {
      const ids = await createEnded(bench);
      const statuses = ["succeeded", "failed", "canceled", "expired"] as const;
      assert.equal(await bench.broker.purge({ statuses, queue: "mail" }), 1);
      assert.deepEqual(await known(bench, ids), [true, false, true, true]);
      assert.equal(await bench.broker.purge({ statuses, task: "fail" }), 1);
      assert.deepEqual(await known(bench, ids), [true, false, false, true]);
      assert.equal(await bench.broker.purge({ statuses, task: "fail", queue: "default" }), 0);
    }),
    brokerCase("purges those that ended long ago", ["list", "results"], async (bench) => {
      const ids = await createEnded(bench);
      await pass(400);
      const newer = await createEnded(bench);
      assert.equal(await bench.broker.purge({ statuses: ["succeeded"], olderThanMs: 600_000 }), 0);
      assert.equal(await bench.broker.purge({ statuses: ["succeeded"], olderThanMs: 400 }), 2);
      assert.deepEqual(await known(bench, [...ids, ...newer]), [false, false, true, true, true, true, true, true]);
    }),
  ],
};
