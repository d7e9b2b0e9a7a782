import assert from "node:assert/strict";
import type { NewJob } from "../../../tasks/job.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJob, createSampleJobs } from "../sample-job.ts";

const fullJob: Partial<NewJob> = {
  task: "reports.build",
  queue: "reports",
  args: '[{"year":2026,"title":"Überblick \\"neu\\" 🎉"},null,[1.5,true]]',
  priority: 7,
  attempts: 4,
  backoff: { baseMs: 250, factor: 1.5, maxMs: 9_000, jitter: true },
  timeoutMs: 12_345,
  keepResultMs: 3_600_000,
  keepFailedMs: 7_200_000,
  meta: { requestId: "r-1", traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
};

export const enqueueCases: CaseGroup = {
  name: "enqueue",
  cases: [
    brokerCase("answers with the id of the stored job", [], async ({ broker }) => {
      const job = createSampleJob();
      assert.deepEqual(await broker.enqueue({ jobs: [job] }), [{ id: job.id, isDuplicate: false }]);
    }),
    brokerCase("answers for each job of a batch, in order", [], async ({ broker }) => {
      const jobs = createSampleJobs(50);
      const stored = await broker.enqueue({ jobs });
      assert.deepEqual(
        stored.map(({ id }) => id),
        jobs.map(({ id }) => id),
      );
    }),
    brokerCase("stores nothing for an empty batch", [], async ({ broker }) => {
      assert.deepEqual(await broker.enqueue({ jobs: [] }), []);
    }),
    brokerCase("keeps everything that a job carries", ["results"], async (bench) => {
      const expected = createSampleJob(fullJob);
      await bench.broker.enqueue({ jobs: [expected] });
      const job = await bench.get(expected.id);
      for (const key of [
        "id",
        "task",
        "queue",
        "args",
        "priority",
        "attempts",
        "backoff",
        "timeoutMs",
        "limits",
        "keepResultMs",
        "keepFailedMs",
        "meta",
      ] as const)
        assert.deepEqual(job[key], expected[key], key);
      assert.equal(job.uniqueKey, undefined);
      assert.equal(job.after, undefined);
    }),
    brokerCase("shows a new job as queued, before its first attempt", ["results"], async (bench) => {
      const { id } = await bench.enqueue();
      const job = await bench.get(id);
      assert.equal(job.status, "queued");
      assert.deepEqual([job.attempt, job.deliveries], [0, 0]);
      assert.deepEqual([job.failures, job.log], [[], []]);
      for (const key of [
        "startedAt",
        "endedAt",
        "expiresAt",
        "worker",
        "reason",
        "result",
        "error",
        "progress",
      ] as const)
        assert.equal(job[key], undefined, key);
      assert.ok(job.storedAt > 1e12, "storedAt is in milliseconds since the epoch");
      assert.ok(Math.abs(job.runAt! - job.storedAt) <= 100, "it may run as soon as it is stored");
    }),
    brokerCase("stores an id once when it comes twice in a batch", ["results"], async (bench) => {
      const job = createSampleJob({ args: '["first"]' });
      const stored = await bench.broker.enqueue({ jobs: [job, { ...job, args: '["second"]' }] });
      assert.deepEqual(
        stored.map(({ id }) => id),
        [job.id, job.id],
      );
      assert.equal((await bench.get(job.id)).args, '["first"]');
      const recorder = new Recorder();
      bench.consume(recorder.execute);
      const marker = await bench.enqueue();
      await bench.succeed(job.id, marker.id);
      assert.deepEqual(recorder.ids, [job.id, marker.id]);
    }),
    brokerCase("stores an id once when it comes again, also at the same time", ["results"], async (bench) => {
      const { broker } = bench;
      const other = await bench.other();
      const job = createSampleJob();
      const calls = [broker, other, broker, other].map((each) => each.enqueue({ jobs: [job] }));
      for (const stored of await Promise.all(calls)) assert.equal(stored[0]?.id, job.id);
      const recorder = new Recorder();
      bench.consume(recorder.execute, { slots: 4 });
      const marker = await bench.enqueue();
      await bench.succeed(job.id, marker.id);
      assert.deepEqual(recorder.ids.toSorted(), [job.id, marker.id].toSorted());
    }),
    brokerCase("does not touch a job that runs or has ended when its id comes again", ["results"], async (bench) => {
      const job = createSampleJob();
      const recorder = bench.holding();
      bench.consume(recorder.execute, { slots: 2 });
      await bench.broker.enqueue({ jobs: [job] });
      await bench.until(() => recorder.running === 1, "the job runs");
      await bench.broker.enqueue({ jobs: [job] });
      assert.equal((await bench.get(job.id)).status, "running");
      recorder.letGo();
      await bench.succeed(job.id);
      await bench.broker.enqueue({ jobs: [job] });
      const marker = await bench.enqueue();
      await bench.succeed(marker.id);
      assert.equal((await bench.get(job.id)).status, "succeeded");
      assert.deepEqual(recorder.ids, [job.id, marker.id]);
    }),
    brokerCase("never shows a part of a batch", ["atomicity", "list"], async (bench) => {
      const other = await bench.other();
      const storing = bench.broker.enqueue({ jobs: createSampleJobs(500) });
      const counted = async (): Promise<number> => (await other.counts()).reduce((sum, { queued }) => sum + queued, 0);
      let seen = 0;
      do {
        seen = await counted();
        assert.ok(seen === 0 || seen === 500, `${seen} of 500 jobs are shown`);
      } while (seen === 0);
      await storing;
      assert.equal((await other.counts())[0]?.queued, 500);
    }),
    brokerCase("keeps texts as they are", ["results"], async (bench) => {
      const values = [
        "",
        "'; DROP TABLE jobs; --",
        "\u0000\u0007\u2028",
        "\ud800",
        "%_\\",
        "🎉".repeat(100),
        "x".repeat(262_000),
      ];
      const jobs = values.map((value) =>
        createSampleJob({ args: JSON.stringify([value]), meta: { requestId: "ü'\"%" } }),
      );
      await bench.broker.enqueue({ jobs });
      for (const [index, { id }] of jobs.entries()) {
        const job = await bench.get(id);
        assert.deepEqual(JSON.parse(job.args), [values[index]]);
        assert.deepEqual(job.meta, { requestId: "ü'\"%" });
      }
    }),
    brokerCase("stores what many callers hand over at the same time", ["results"], async (bench) => {
      const other = await bench.other();
      const batches = Array.from({ length: 40 }, (_, index) => createSampleJobs(1 + (index % 3)));
      const stored = await Promise.all(
        batches.map((jobs, index) => (index % 2 ? other : bench.broker).enqueue({ jobs })),
      );
      const ids = batches.flat().map(({ id }) => id);
      assert.deepEqual(
        stored.flat().map(({ id }) => id),
        ids,
      );
      const known = await bench.broker.get({ ids });
      assert.deepEqual(
        known.map((job) => job?.id),
        ids,
      );
    }),
  ],
};
