import assert from "node:assert/strict";
import { behaviorArgs } from "../behavior.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { failed, succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJob, createSampleJobs } from "../sample-job.ts";

export const consumeCases: CaseGroup = {
  name: "consume",
  cases: [
    brokerCase("runs jobs that were stored before and after it began", ["results"], async (bench) => {
      const before = await bench.enqueue();
      bench.consume(() => succeeded());
      await bench.succeed(before.id);
      const after = await bench.enqueue();
      await bench.succeed(after.id);
    }),
    brokerCase("runs jobs that another connection has stored", ["connections", "results"], async (bench) => {
      const another = await bench.another();
      bench.consume(() => succeeded());
      const { id } = await bench.enqueue({}, another);
      await bench.succeed(id);
    }),
    brokerCase("hands over what a worker needs", [], async (bench) => {
      const expected = createSampleJob({
        args: '[{"a":[1,"ü"]}]',
        attempts: 7,
        timeoutMs: 1_234,
        backoff: { baseMs: 5, factor: 3, maxMs: 50, jitter: true },
        meta: { requestId: "r-9" },
      });
      const recorder = new Recorder();
      bench.consume(recorder.execute);
      await bench.broker.enqueue({ jobs: [expected] });
      await bench.until(() => recorder.deliveries.length > 0, "the job is handed over");
      const { job } = recorder.deliveries[0]!;
      for (const key of ["id", "task", "queue", "args", "attempts", "timeoutMs", "backoff", "meta"] as const)
        assert.deepEqual(job[key], expected[key], key);
      assert.deepEqual([job.attempt, job.deliveries], [1, 1]);
    }),
    brokerCase("shows a job as running while it runs, and where", ["results"], async (bench) => {
      const recorder = bench.holding();
      bench.consume(recorder.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => recorder.running === 1, "the job runs");
      const job = await bench.get(id);
      assert.equal(job.status, "running");
      assert.deepEqual([job.attempt, job.deliveries], [1, 1]);
      assert.ok(job.startedAt! >= job.storedAt, "startedAt");
      const [worker] = await bench.broker.workers();
      assert.equal(job.worker, worker?.id);
    }),
    brokerCase("stores the result as the text that it is", ["results"], async (bench) => {
      const results = ["null", "1.5", '"ü 🎉"', '{"b":1,"a":[true, null]}', JSON.stringify("x".repeat(200_000))];
      bench.consume(({ job }) => ({ status: "succeeded", result: results[(JSON.parse(job.args) as [number])[0]]! }));
      const jobs = createSampleJobs(results.length);
      await bench.broker.enqueue({ jobs });
      for (const [index, { id }] of jobs.entries()) {
        const job = await bench.status(id, "succeeded");
        assert.equal(job.result, results[index]);
        assert.equal(job.error, undefined);
        assert.ok(job.endedAt! >= job.startedAt!, "it ends after its start");
      }
    }),
    brokerCase("stores the error of a job that failed for good", ["results"], async (bench) => {
      const error = {
        name: "TypeError",
        message: "x is not a function: ü '\"",
        code: "E_X",
        stack: "TypeError: x\n  at y",
      };
      bench.consume(() => ({ status: "failed", error }));
      const { id } = await bench.enqueue({ attempts: 5 });
      const job = await bench.status(id, "failed");
      assert.deepEqual({ ...job.error }, error);
      assert.equal(job.result, undefined);
      assert.equal(job.attempt, 1);
      assert.ok(job.endedAt! >= job.startedAt!, "it ends after its start");
    }),
    brokerCase("takes jobs of its queues only", ["results"], async (bench) => {
      const recorder = new Recorder();
      bench.consume(recorder.execute, { queues: ["mail", "images"] });
      const other = await bench.enqueue({ queue: "reports", priority: 9 });
      const mail = await bench.enqueue({ queue: "mail" });
      const image = await bench.enqueue({ queue: "images" });
      await bench.succeed(mail.id, image.id);
      assert.equal((await bench.get(other.id)).status, "queued");
      assert.deepEqual(recorder.ids, [mail.id, image.id]);
    }),
    brokerCase("runs as many jobs at the same time as it has slots, and never more", ["results"], async (bench) => {
      const recorder = bench.holding();
      const consumer = bench.consume(recorder.execute, { slots: 3 });
      assert.equal(consumer.running, 0);
      const jobs = createSampleJobs(12);
      await bench.broker.enqueue({ jobs });
      await bench.until(() => recorder.running === 3, "three jobs run");
      assert.equal(consumer.running, 3);
      recorder.letGo();
      await bench.succeed(...jobs.map(({ id }) => id));
      assert.equal(recorder.mostRunning, 3);
      await bench.until(() => consumer.running === 0, "nothing runs");
    }),
    brokerCase("claims no job without a free slot", ["results"], async (bench) => {
      const busy = bench.holding();
      bench.consume(busy.execute, { slots: 1 });
      const [first, second, third] = createSampleJobs(3) as [
        ReturnType<typeof createSampleJob>,
        ...ReturnType<typeof createSampleJobs>,
      ];
      await bench.broker.enqueue({ jobs: [first, second!, third!] });
      await bench.until(() => busy.running === 1, "the first job runs");
      assert.equal((await bench.get(second!.id)).status, "queued");
      const free = new Recorder();
      bench.consume(free.execute, { broker: await bench.other(), slots: 1 });
      await bench.succeed(second!.id, third!.id);
      assert.deepEqual(busy.ids, [first.id]);
      assert.deepEqual(free.ids, [second!.id, third!.id]);
    }),
    brokerCase("fills a slot again as soon as it is free", ["results"], async (bench) => {
      const jobs = createSampleJobs(100);
      await bench.broker.enqueue({ jobs });
      bench.consume(() => succeeded());
      await bench.succeed(jobs.at(-1)!.id);
    }),
    brokerCase("goes on after jobs that fail", ["results"], async (bench) => {
      const jobs = createSampleJobs(10);
      await bench.broker.enqueue({ jobs });
      bench.consume(() => failed());
      const marker = await bench.enqueue();
      await bench.status(marker.id, "failed");
    }),
    brokerCase("lets a job store others", ["results"], async (bench) => {
      const next = createSampleJob({ args: '["next"]' });
      bench.consume(async ({ job }) => {
        if (job.id !== next.id) await bench.broker.enqueue({ jobs: [next] });
        return succeeded();
      });
      await bench.enqueue();
      await bench.until(
        async () => (await bench.broker.get({ ids: [next.id] }))[0]?.status === "succeeded",
        "the next has run",
      );
    }),
    brokerCase("runs every job once with many consumers on two connections", ["results"], async (bench) => {
      const other = await bench.other();
      const recorder = new Recorder(() => new Promise((resolve) => setImmediate(resolve, succeeded())));
      for (const broker of [bench.broker, other, bench.broker, other])
        bench.consume(recorder.execute, { broker, slots: 5 });
      const jobs = createSampleJobs(500);
      for (let from = 0; from < jobs.length; from += 50)
        await bench.broker.enqueue({ jobs: jobs.slice(from, from + 50) });
      await bench.until(() => recorder.deliveries.length >= jobs.length, "all jobs were handed over");
      await bench.succeed(...jobs.map(({ id }) => id));
      assert.deepEqual(recorder.ids.toSorted(), jobs.map(({ id }) => id).toSorted());
      assert.ok(recorder.mostRunning <= 20, `${recorder.mostRunning} ran at the same time`);
    }),
    brokerCase("runs every job once with several processes", ["processes", "results"], async (bench) => {
      const workers = [await bench.spawnWorker({ slots: 4 }), await bench.spawnWorker({ slots: 4 })];
      const recorder = new Recorder();
      bench.consume(recorder.execute, { slots: 2 });
      const jobs = createSampleJobs(150, { args: behaviorArgs({ do: "succeed", result: "done" }) });
      for (let from = 0; from < jobs.length; from += 10)
        await bench.broker.enqueue({ jobs: jobs.slice(from, from + 10) });
      await bench.succeed(...jobs.map(({ id }) => id));
      const started = workers.flatMap(({ journal }) =>
        journal.flatMap((entry) => (entry.event === "started" ? [entry.id] : [])),
      );
      assert.deepEqual([...started, ...recorder.ids].toSorted(), jobs.map(({ id }) => id).toSorted());
    }),
  ],
};
