import assert from "node:assert/strict";
import { behaviorArgs } from "../behavior.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { retryIn, succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";

export const deliveryCases: CaseGroup = {
  name: "deliveries",
  cases: [
    brokerCase(
      "counts neither attempt nor delivery over ten restarts that give the job back",
      ["results"],
      async (bench) => {
        const { id } = await bench.enqueue();
        const before = await bench.get(id);
        for (let restart = 0; restart < 10; restart++) {
          const holding = bench.holding();
          const consumer = bench.consume(holding.execute);
          await bench.until(() => holding.running === 1, "the job runs");
          const { attempt, deliveries } = holding.deliveries[0]!.job;
          assert.deepEqual([attempt, deliveries], [1, 1]);
          await bench.closeConsumer(consumer);
          const job = await bench.get(id);
          assert.deepEqual([job.status, job.attempt, job.deliveries], ["queued", before.attempt, before.deliveries]);
        }
        bench.consume(() => succeeded());
        const job = await bench.status(id, "succeeded");
        assert.deepEqual([job.attempt, job.deliveries, job.failures], [1, 1, []]);
      },
    ),
    brokerCase("counts nothing when the job itself gives the delivery back", ["results"], async (bench) => {
      const recorder = new Recorder(() => (recorder.deliveries.length < 6 ? { status: "released" } : succeeded()));
      bench.consume(recorder.execute, { maxDeliveries: 2 });
      const { id } = await bench.enqueue();
      const job = await bench.status(id, "succeeded");
      assert.deepEqual([job.attempt, job.deliveries, job.failures], [1, 1, []]);
      assert.equal(recorder.deliveries.length, 6);
    }),
    brokerCase("counts the deliveries of each attempt anew", ["results"], async (bench) => {
      bench.consume(({ job }) => (job.attempt < 6 ? retryIn(0) : succeeded()), { maxDeliveries: 2 });
      const { id } = await bench.enqueue({ attempts: 6 });
      const job = await bench.status(id, "succeeded");
      assert.deepEqual([job.attempt, job.deliveries], [6, 1]);
    }),
    brokerCase("fails a job with worker_lost that has killed its workers", ["processes", "results"], async (bench) => {
      const { leaseMs } = bench;
      const maxDeliveries = 2;
      const { id } = await bench.enqueue({ args: behaviorArgs({ do: "kill" }), attempts: 5 });
      for (let delivery = 1; delivery <= maxDeliveries; delivery++) {
        const worker = await bench.spawnWorker({ maxDeliveries });
        await worker.untilEnded();
        const job = await bench.get(id);
        assert.deepEqual([job.status, job.deliveries, job.attempt], ["running", delivery, 1]);
      }
      const recorder = new Recorder();
      bench.consume(recorder.execute, { leaseMs, maxDeliveries });
      const job = await bench.status(id, "failed");
      assert.deepEqual([job.error?.code, job.deliveries, job.attempt], ["worker_lost", maxDeliveries, 1]);
      assert.deepEqual(
        job.failures.map(({ code, attempt }) => [code, attempt]),
        [["worker_lost", 1]],
      );
      assert.deepEqual(recorder.ids, []);
    }),
    brokerCase("gives jobs back at once when a process ends in peace", ["processes", "results"], async (bench) => {
      const worker = await bench.spawnWorker();
      const { id } = await bench.enqueue({ args: behaviorArgs({ do: "hang" }) });
      await worker.until("started", id);
      worker.signal("SIGTERM");
      await worker.untilEnded();
      const job = await bench.get(id);
      assert.deepEqual([job.status, job.attempt, job.deliveries], ["queued", 0, 0]);
    }),
  ],
};
