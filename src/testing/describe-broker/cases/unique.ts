import assert from "node:assert/strict";
import type { Ending } from "../../../tasks/ending.ts";
import type { NewJob } from "../../../tasks/job.ts";
import type { Bench } from "../bench.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { failed, retryIn, succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJob } from "../sample-job.ts";

const keyed: Partial<NewJob> = { uniqueKey: "u1" };

/** Storing another one stores nothing, and answers with that id. */
async function assertTaken(bench: Bench, id: string): Promise<void> {
  const job = createSampleJob(keyed);
  assert.deepEqual(await bench.broker.enqueue({ jobs: [job] }), [{ id, isDuplicate: true }]);
  assert.deepEqual(await bench.broker.get({ ids: [job.id] }), [undefined]);
}

async function assertFreeAfter(bench: Bench, ending: Ending): Promise<void> {
  const consumer = bench.consume(() => ending);
  const first = await bench.enqueue(keyed);
  await bench.until(async () => (await bench.get(first.id)).endedAt, "the first job has ended");
  await bench.closeConsumer(consumer);
  assert.equal((await bench.enqueue(keyed)).isDuplicate, false);
}

export const uniqueCases: CaseGroup = {
  name: "unique",
  cases: [
    brokerCase("stores nothing while a job of the same task and key waits", ["unique", "results"], async (bench) => {
      const { id } = await bench.enqueue(keyed);
      assert.equal((await bench.get(id)).uniqueKey, "u1");
      await assertTaken(bench, id);
      const recorder = new Recorder();
      bench.consume(recorder.execute);
      const marker = await bench.enqueue();
      await bench.succeed(marker.id);
      assert.deepEqual(recorder.ids, [id, marker.id]);
    }),
    brokerCase("stores nothing while it is delayed", ["unique", "delay", "results"], async (bench) => {
      const { id } = await bench.enqueue({ ...keyed, delayMs: 600_000 });
      await assertTaken(bench, id);
    }),
    brokerCase("stores nothing while it runs", ["unique", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const { id } = await bench.enqueue(keyed);
      await bench.until(() => holding.running === 1, "the job runs");
      await assertTaken(bench, id);
    }),
    brokerCase("stores nothing while it waits for its next attempt", ["unique", "delay", "results"], async (bench) => {
      bench.consume(() => retryIn(600_000));
      const { id } = await bench.enqueue(keyed);
      await bench.status(id, "scheduled");
      await assertTaken(bench, id);
    }),
    brokerCase("stores one of those that come within one batch", ["unique", "results"], async (bench) => {
      const jobs = [createSampleJob(keyed), createSampleJob(keyed), createSampleJob(), createSampleJob(keyed)];
      const [first] = jobs as [NewJob];
      assert.deepEqual(
        await bench.broker.enqueue({ jobs }),
        jobs.map(({ id, uniqueKey }, index) =>
          uniqueKey === undefined || index === 0 ? { id, isDuplicate: false } : { id: first.id, isDuplicate: true },
        ),
      );
    }),
    brokerCase("stores one of those that come at the same time", ["unique", "results"], async (bench) => {
      const other = await bench.other();
      const stored = await Promise.all(
        Array.from({ length: 20 }, (_, index) => bench.enqueue(keyed, index % 2 ? other : bench.broker)),
      );
      assert.equal(stored.filter(({ isDuplicate }) => !isDuplicate).length, 1);
      assert.equal(new Set(stored.map(({ id }) => id)).size, 1);
    }),
    brokerCase("frees the key when the job has succeeded", ["unique", "results"], async (bench) => {
      await assertFreeAfter(bench, succeeded());
    }),
    brokerCase("frees the key when the job has failed", ["unique", "results"], async (bench) => {
      await assertFreeAfter(bench, failed());
    }),
    brokerCase("frees the key when the job was canceled, waiting or running", ["unique", "results"], async (bench) => {
      const { id } = await bench.enqueue(keyed);
      await bench.broker.cancel({ ids: [id], reason: "no" });
      await assertFreeAfter(bench, { status: "canceled", reason: "no" });
    }),
    brokerCase("frees the key when the job has expired", ["unique", "results"], async (bench) => {
      await bench.enqueue({ ...keyed, expiresMs: 30 });
      await bench.until(async () => !(await bench.enqueue(keyed)).isDuplicate, "the key is free");
    }),
    brokerCase("frees the key when the job is removed", ["unique", "list"], async (bench) => {
      const { id } = await bench.enqueue(keyed);
      assert.deepEqual(await bench.broker.remove({ ids: [id] }), [true]);
      assert.equal((await bench.enqueue(keyed)).isDuplicate, false);
    }),
    brokerCase("takes the key again when the job is retried", ["unique", "list", "results"], async (bench) => {
      const { id } = await bench.enqueue(keyed);
      await bench.broker.cancel({ ids: [id], reason: "no" });
      assert.deepEqual(await bench.broker.retry({ ids: [id] }), [true]);
      await assertTaken(bench, id);
    }),
    brokerCase(
      "never has two open jobs of a key, also when one is retried",
      ["unique", "list", "results"],
      async (bench) => {
        const first = await bench.enqueue(keyed);
        await bench.broker.cancel({ ids: [first.id], reason: "no" });
        const second = await bench.enqueue(keyed);
        await bench.broker.retry({ ids: [first.id] });
        const open = (await bench.broker.get({ ids: [first.id, second.id] })).filter(
          (job) => job?.endedAt === undefined,
        );
        assert.deepEqual(
          open.map((job) => job?.id),
          [second.id],
        );
      },
    ),
    brokerCase("tells tasks and keys apart, but not queues", ["unique"], async (bench) => {
      const jobs = [
        createSampleJob(keyed),
        createSampleJob({ ...keyed, task: "another" }),
        createSampleJob({ uniqueKey: "U1" }),
        createSampleJob({ uniqueKey: "u1 " }),
        createSampleJob({ uniqueKey: "ü:'\"%🎉".padEnd(255, "x") }),
        createSampleJob({ ...keyed, queue: "elsewhere" }),
      ];
      const stored = await bench.broker.enqueue({ jobs });
      assert.deepEqual(
        stored.map(({ isDuplicate }) => isDuplicate),
        [false, false, false, false, false, true],
      );
    }),
    brokerCase("answers with a job's own id when that is stored again", ["unique"], async (bench) => {
      const job = createSampleJob(keyed);
      await bench.broker.enqueue({ jobs: [job] });
      assert.equal((await bench.broker.enqueue({ jobs: [job] }))[0]?.id, job.id);
    }),
  ],
};
