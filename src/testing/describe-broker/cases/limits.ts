import assert from "node:assert/strict";
import type { NewJob } from "../../../tasks/job.ts";
import type { Bench } from "../bench.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { failed, succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJobs } from "../sample-job.ts";

const atMost = (maxRunning: number): Partial<NewJob> => ({ limits: { maxRunning, rate: undefined } });
const idsOf = (jobs: readonly NewJob[]): readonly string[] => jobs.map(({ id }) => id);

/** Two consumers with more slots than the limit allows, on two connections if there are two. */
async function consumeTwice(bench: Bench, recorder: Recorder, slots = 8): Promise<void> {
  bench.consume(recorder.execute, { slots });
  bench.consume(recorder.execute, { slots, broker: await bench.other() });
}

export const limitsCases: CaseGroup = {
  name: "limits",
  cases: [
    brokerCase(
      "runs no more jobs of a task at the same time than maxRunning, over all workers",
      ["limits", "results"],
      async (bench) => {
        const recorder = new Recorder(() => new Promise((resolve) => setTimeout(resolve, 5, succeeded())));
        await consumeTwice(bench, recorder);
        const jobs = createSampleJobs(30, atMost(3));
        await bench.broker.enqueue({ jobs });
        await bench.succeed(...idsOf(jobs));
        assert.ok(recorder.mostRunning <= 3, `${recorder.mostRunning} ran at the same time`);
        assert.equal(recorder.deliveries.length, 30);
      },
    ),
    brokerCase("runs as many as maxRunning allows", ["limits"], async (bench) => {
      const holding = bench.holding();
      await consumeTwice(bench, holding);
      await bench.broker.enqueue({ jobs: createSampleJobs(6, atMost(3)) });
      await bench.until(() => holding.running === 3, "three run");
    }),
    brokerCase("runs other tasks while one is at its limit", ["limits", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume((delivery) => (delivery.job.task === "free" ? succeeded() : holding.execute(delivery)), {
        slots: 4,
      });
      await bench.broker.enqueue({ jobs: createSampleJobs(20, { ...atMost(1), priority: 9 }) });
      await bench.until(() => holding.running === 1, "one runs");
      const free = createSampleJobs(5, { task: "free" });
      await bench.broker.enqueue({ jobs: free });
      await bench.succeed(...idsOf(free));
      assert.equal(holding.mostRunning, 1);
    }),
    brokerCase("makes room when a job ends in any way", ["limits"], async (bench) => {
      const recorder = new Recorder(({ job }) => {
        const [index] = JSON.parse(job.args) as [number];
        if (index % 3 === 0) return failed();
        return index % 3 === 1 ? succeeded() : { status: "canceled", reason: "no" };
      });
      await consumeTwice(bench, recorder);
      await bench.broker.enqueue({ jobs: createSampleJobs(9, atMost(1)) });
      await bench.until(() => recorder.deliveries.length === 9, "all have run");
      assert.equal(recorder.mostRunning, 1);
    }),
    brokerCase("makes room when a job is given back", ["limits", "results"], async (bench) => {
      const holding = bench.holding();
      const consumer = bench.consume(holding.execute);
      const [job] = createSampleJobs(1, atMost(1));
      await bench.broker.enqueue({ jobs: [job!] });
      await bench.until(() => holding.running === 1, "the job runs");
      await bench.closeConsumer(consumer);
      bench.consume(() => succeeded());
      await bench.succeed(job!.id);
    }),
    brokerCase("heeds the limits of the job that was stored last", ["limits"], async (bench) => {
      const holding = bench.holding();
      await consumeTwice(bench, holding);
      await bench.broker.enqueue({ jobs: createSampleJobs(6, atMost(1)) });
      await bench.until(() => holding.running === 1, "one runs");
      await bench.broker.enqueue({ jobs: createSampleJobs(1, atMost(4)) });
      await bench.until(() => holding.running === 4, "four run");
    }),
    brokerCase(
      "starts no more jobs of a task within any stretch of time than its rate, over all workers",
      ["limits", "results"],
      async (bench) => {
        const limit = 3;
        const perMs = 300;
        await consumeTwice(bench, new Recorder());
        const jobs = createSampleJobs(10, { limits: { maxRunning: undefined, rate: { limit, perMs } } });
        await bench.broker.enqueue({ jobs });
        await bench.succeed(...idsOf(jobs));
        const starts = (await bench.broker.get({ ids: idsOf(jobs) }))
          .map((job) => job!.startedAt!)
          .toSorted((one, two) => one - two);
        for (const [index, at] of starts.slice(limit).entries())
          assert.ok(
            at - starts[index]! >= perMs,
            `${limit + 1} starts within ${at - starts[index]!} ms: ${starts.join()}`,
          );
      },
    ),
    brokerCase("runs other tasks while one has used up its rate", ["limits", "results"], async (bench) => {
      const recorder = new Recorder();
      bench.consume(recorder.execute);
      const limits = { maxRunning: undefined, rate: { limit: 1, perMs: 600_000 } };
      await bench.broker.enqueue({ jobs: createSampleJobs(5, { limits, priority: 9 }) });
      const other = await bench.enqueue({ task: "free" });
      await bench.succeed(other.id);
      assert.equal(recorder.deliveries.length, 2);
    }),
  ],
};
