import assert from "node:assert/strict";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import type { Bench } from "../bench.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJob, createSampleJobs } from "../sample-job.ts";
import type { NewJob } from "../../../tasks/job.ts";

/** The ids of these jobs in the order in which one slot runs them. */
async function order(bench: Bench, jobs: readonly NewJob[]): Promise<readonly string[]> {
  const recorder = new Recorder();
  const consumer = bench.consume(recorder.execute);
  await bench.until(() => recorder.deliveries.length >= jobs.length, "all jobs were handed over");
  await bench.closeConsumer(consumer);
  return recorder.ids;
}

const idsOf = (jobs: readonly NewJob[]): readonly string[] => jobs.map(({ id }) => id);

export const orderCases: CaseGroup = {
  name: "priority and order",
  cases: [
    brokerCase("runs jobs of a batch in order", [], async (bench) => {
      const jobs = createSampleJobs(30);
      await bench.broker.enqueue({ jobs });
      assert.deepEqual(await order(bench, jobs), idsOf(jobs));
    }),
    brokerCase("runs jobs in the order in which they were stored, one by one", [], async (bench) => {
      const jobs = createSampleJobs(15);
      for (const job of jobs) await bench.broker.enqueue({ jobs: [job] });
      assert.deepEqual(await order(bench, jobs), idsOf(jobs));
    }),
    brokerCase("keeps the order of storing, whatever the ids are", [], async (bench) => {
      const jobs = createSampleJobs(12).toReversed();
      await bench.broker.enqueue({ jobs: jobs.slice(0, 6) });
      for (const job of jobs.slice(6)) await bench.broker.enqueue({ jobs: [job] });
      assert.deepEqual(await order(bench, jobs), idsOf(jobs));
    }),
    brokerCase("keeps the order of storing over two connections", ["connections"], async (bench) => {
      const another = await bench.another();
      const jobs = createSampleJobs(10);
      for (const [index, job] of jobs.entries()) await (index % 2 ? another : bench.broker).enqueue({ jobs: [job] });
      assert.deepEqual(await order(bench, jobs), idsOf(jobs));
    }),
    brokerCase("tells ten priorities apart", ["priority", "tenPriorities"], async (bench) => {
      const jobs = [5, 0, 9, 3, 7, 1, 8, 2, 6, 4].map((priority) => createSampleJob({ priority }));
      await bench.broker.enqueue({ jobs });
      assert.deepEqual(await order(bench, jobs), idsOf(jobs.toSorted((one, two) => two.priority - one.priority)));
    }),
    brokerCase("runs jobs of a higher priority first, and the oldest first within one", ["priority"], async (bench) => {
      const jobs = [3, 5, 3, 0, 5, 0, 3].map((priority) => createSampleJob({ priority }));
      for (const job of jobs) await bench.broker.enqueue({ jobs: [job] });
      assert.deepEqual(await order(bench, jobs), idsOf(jobs.toSorted((one, two) => two.priority - one.priority)));
    }),
    brokerCase("heeds priority over the queues of a consumer", ["priority"], async (bench) => {
      const jobs = [createSampleJob({ queue: "mail", priority: 1 }), createSampleJob({ queue: "images", priority: 5 })];
      await bench.broker.enqueue({ jobs });
      const recorder = new Recorder();
      bench.consume(recorder.execute, { queues: ["mail", "images"] });
      await bench.until(() => recorder.deliveries.length === 2, "both have run");
      assert.deepEqual(recorder.ids, idsOf(jobs.toReversed()));
    }),
    brokerCase("puts an urgent job before those that wait already", ["priority"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const first = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the first job runs");
      const usual = await bench.enqueue({ priority: 3 });
      const urgent = await bench.enqueue();
      holding.letGo();
      await bench.until(() => holding.deliveries.length === 3, "all have run");
      assert.deepEqual(holding.ids, [first.id, urgent.id, usual.id]);
    }),
    brokerCase("gives a job back to its old place", ["oldPlaces"], async (bench) => {
      const jobs = createSampleJobs(5);
      const holding = bench.holding();
      const consumer = bench.consume(holding.execute, { slots: 2 });
      await bench.broker.enqueue({ jobs });
      await bench.until(() => holding.running === 2, "two jobs run");
      await bench.closeConsumer(consumer);
      assert.deepEqual(await order(bench, jobs), idsOf(jobs));
    }),
  ],
};
