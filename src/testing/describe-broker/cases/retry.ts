import assert from "node:assert/strict";
import type { Bench } from "../bench.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { failed, retryIn, succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJob } from "../sample-job.ts";

export const retryCases: CaseGroup = {
  name: "retry",
  cases: [
    brokerCase("runs a failed attempt again, counted, with its error kept", ["results"], async (bench) => {
      const recorder = new Recorder(({ job }) =>
        job.attempt < 3 ? retryIn(0, `try ${job.attempt}`) : succeeded("well"),
      );
      bench.consume(recorder.execute);
      const { id } = await bench.enqueue();
      const job = await bench.status(id, "succeeded");
      assert.deepEqual(
        recorder.deliveries.map(({ job: { attempt, deliveries } }) => [attempt, deliveries]),
        [
          [1, 1],
          [2, 1],
          [3, 1],
        ],
      );
      assert.deepEqual(
        job.failures.map(({ attempt, message, name }) => [attempt, name, message]),
        [
          [1, "Error", "try 1"],
          [2, "Error", "try 2"],
        ],
      );
      assert.ok(
        job.failures.every(({ at }) => at >= job.storedAt && at <= job.endedAt!),
        "each with its time",
      );
      assert.deepEqual([job.attempt, job.result, job.error], [3, '"well"', undefined]);
    }),
    // The next attempt of one can come while it is still being stored how the last one ended.
    brokerCase("runs every attempt once of many jobs that are tried again at once", ["delay", "results"], (bench) =>
      tryAgain(bench, 60, 1),
    ),
    // A message may be thrown away that takes the same way for the second time.
    brokerCase("runs every attempt once of a job that waits as long each time", ["delay", "results"], (bench) =>
      tryAgain(bench, 1, 20),
    ),
    brokerCase("gives each delivery of a job a higher epoch", [], async (bench) => {
      const recorder = new Recorder(({ job }) => (job.attempt < 4 ? retryIn(0) : succeeded()));
      bench.consume(recorder.execute);
      await bench.enqueue({ attempts: 5 });
      await bench.until(() => recorder.deliveries.length === 4, "four attempts were made");
      const epochs = recorder.deliveries.map(({ job }) => job.epoch);
      assert.deepEqual(
        [...new Set(epochs)].toSorted((one, two) => one - two),
        epochs,
      );
    }),
    brokerCase("waits before the next attempt as long as it was told", ["delay", "results"], async (bench) => {
      bench.consume(({ job }) => (job.attempt === 1 ? retryIn(300) : succeeded()));
      const { id } = await bench.enqueue();
      const waiting = await bench.status(id, "scheduled");
      assert.equal(waiting.attempt, 1);
      assert.equal(waiting.failures.length, 1);
      const job = await bench.status(id, "succeeded");
      const waitedMs = job.startedAt! - job.failures[0]!.at;
      assert.ok(waitedMs >= 299, `it waited ${waitedMs} ms`);
    }),
    brokerCase("runs other jobs while one waits for its next attempt", ["delay", "results"], async (bench) => {
      bench.consume(({ job }) => (job.args === '["again"]' ? retryIn(600_000) : succeeded()));
      const waiting = await bench.enqueue({ args: '["again"]', priority: 9 });
      const other = await bench.enqueue();
      await bench.succeed(other.id);
      assert.equal((await bench.get(waiting.id)).status, "scheduled");
    }),
    brokerCase("ends a job as failed with the error of its last attempt, and keeps all", ["results"], async (bench) => {
      bench.consume(({ job: { attempt } }) =>
        attempt < 3 ? retryIn(0, `try ${attempt}`) : failed(`try ${attempt}`, "e_last"),
      );
      const { id } = await bench.enqueue();
      const job = await bench.status(id, "failed");
      assert.deepEqual([job.error?.message, job.error?.code, job.attempt], ["try 3", "e_last", 3]);
      assert.deepEqual(
        job.failures.map(({ attempt, message }) => [attempt, message]),
        [1, 2, 3].map((attempt) => [attempt, `try ${attempt}`]),
      );
    }),
    brokerCase("keeps the last twenty failures", ["results"], async (bench) => {
      bench.consume(({ job: { attempt } }) => (attempt < 25 ? retryIn(0, `try ${attempt}`) : succeeded()));
      const { id } = await bench.enqueue({ attempts: 25 });
      const { failures } = await bench.status(id, "succeeded");
      assert.deepEqual(
        failures.map(({ attempt }) => attempt),
        Array.from({ length: 20 }, (_, index) => index + 5),
      );
    }),
    brokerCase(
      "queues an ended job again that did not succeed, with all its attempts",
      ["list", "results"],
      async (bench) => {
        const { broker } = bench;
        const canceled = await bench.enqueue();
        await broker.cancel({ ids: [canceled.id], reason: "no" });
        const expired = await bench.enqueue({ expiresMs: 300 });
        await bench.status(expired.id, "expired");
        const consumer = bench.consume(({ job }) => (job.attempt < 2 ? retryIn(0) : failed()));
        const broken = await bench.enqueue({ attempts: 2 });
        await bench.status(broken.id, "failed");
        await bench.closeConsumer(consumer);
        const ids = [canceled.id, expired.id, broken.id];
        assert.deepEqual(await broker.retry({ ids }), [true, true, true]);
        for (const id of ids) {
          const { status, attempt, endedAt, error, reason } = await bench.get(id);
          assert.deepEqual(
            { status, endedAt, error, reason },
            { status: "queued", endedAt: undefined, error: undefined, reason: undefined },
          );
          assert.equal(attempt, 0);
        }
        const recorder = new Recorder();
        bench.consume(recorder.execute);
        await bench.succeed(...ids);
        assert.deepEqual(
          recorder.deliveries.map(({ job: { attempt, deliveries } }) => [attempt, deliveries]),
          ids.map(() => [1, 1]),
        );
      },
    ),
    brokerCase("retries nothing that succeeded, waits, runs or is unknown", ["list", "results"], async (bench) => {
      const { broker } = bench;
      const holding = bench.holding();
      const quick = bench.consume(() => succeeded());
      const ended = await bench.enqueue();
      await bench.succeed(ended.id);
      await bench.closeConsumer(quick);
      bench.consume(holding.execute);
      const running = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      const waiting = await bench.enqueue();
      const ids = [ended.id, running.id, waiting.id, createSampleJob().id];
      assert.deepEqual(await broker.retry({ ids }), [false, false, false, false]);
      assert.deepEqual(await broker.retry({ ids: [] }), []);
      const statuses = (await broker.get({ ids })).map((job) => job?.status);
      assert.deepEqual(statuses, ["succeeded", "running", "queued", undefined]);
    }),
  ],
};

async function tryAgain(bench: Bench, count: number, delayMs: number): Promise<void> {
  const attempts = 12;
  const recorder = new Recorder(({ job }) => (job.attempt < attempts ? retryIn(delayMs) : succeeded()));
  bench.consume(recorder.execute, { slots: 20 });
  const jobs = await bench.broker.enqueue({ jobs: Array.from({ length: count }, () => createSampleJob({ attempts })) });
  await Promise.all(jobs.map(({ id }) => bench.succeed(id)));
  const ran = recorder.deliveries.map(({ job }) => `${job.id} ${job.attempt}`);
  const wanted = jobs.flatMap(({ id }) => Array.from({ length: attempts }, (_, index) => `${id} ${index + 1}`));
  assert.deepEqual(ran.toSorted(), wanted.toSorted());
}
