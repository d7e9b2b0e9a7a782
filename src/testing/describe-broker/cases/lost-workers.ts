import assert from "node:assert/strict";
import { StoreError } from "../../../tasks/store-error.ts";
import { behaviorArgs } from "../behavior.ts";
import type { Bench } from "../bench.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJobs } from "../sample-job.ts";
import type { SpawnedWorker } from "../spawned-worker.ts";
import { pass } from "../wait.ts";

/** Stops a process at a moment at which it holds no lock of the store, as a process might that stands in a file. */
async function stop(bench: Bench, worker: SpawnedWorker): Promise<void> {
  for (let tries = 0; tries < 10; tries++) {
    worker.signal("SIGSTOP");
    try {
      await bench.enqueue({ queue: "elsewhere" });
      return;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      worker.signal("SIGCONT");
    }
  }
  throw new Error("The stopped worker process always held a lock of the store.");
}

export const lostWorkerCases: CaseGroup = {
  name: "lost workers",
  cases: [
    brokerCase(
      "gives the jobs of a worker that was killed to others, one lease later",
      ["processes", "results"],
      async (bench) => {
        const worker = await bench.spawnWorker({ slots: 2 });
        const jobs = [
          await bench.enqueue({ args: behaviorArgs({ do: "hang" }) }),
          await bench.enqueue({ args: behaviorArgs({ do: "hang" }) }),
        ];
        for (const { id } of jobs) await worker.until("started", id);
        await worker.kill();
        const recorder = new Recorder();
        bench.consume(recorder.execute, { leaseMs: bench.leaseMs, slots: 2 });
        for (const { id } of jobs) {
          const job = await bench.status(id, "succeeded");
          assert.deepEqual([job.attempt, job.deliveries, job.failures], [1, 2, []]);
        }
        assert.equal(recorder.deliveries.length, 2);
        await bench.until(
          async () => (await bench.broker.workers()).length === 1,
          "the killed worker is no longer listed",
        );
      },
    ),
    brokerCase(
      "gives the jobs of a process to others that ended by itself",
      ["processes", "results"],
      async (bench) => {
        const worker = await bench.spawnWorker();
        const { id } = await bench.enqueue({ args: behaviorArgs({ do: "exit", code: 3 }) });
        await worker.untilEnded();
        bench.consume(() => succeeded(), { leaseMs: bench.leaseMs });
        assert.equal((await bench.status(id, "succeeded")).deliveries, 2);
      },
    ),
    brokerCase(
      "ends a job once whose worker keeps the event loop busy for longer than the lease",
      ["processes", "leases", "results"],
      async (bench) => {
        const { leaseMs } = bench;
        const worker = await bench.spawnWorker();
        const { id } = await bench.enqueue({ args: behaviorArgs({ do: "block", ms: leaseMs * 4, result: "blocked" }) });
        await worker.until("started", id);
        const winner = bench.holding();
        bench.consume(winner.execute, { leaseMs });
        await worker.until("answered", id);
        // Either the lease was renewed all the time, and the ending counts, or the job was given away, and it is refused.
        await bench.until(
          async () => winner.running === 1 || (await bench.get(id)).status === "succeeded",
          "it ends or runs elsewhere",
        );
        await pass(leaseMs / 2);
        const isLost = winner.deliveries.length > 0;
        winner.letGo(succeeded("from the winner"));
        const job = await bench.status(id, "succeeded");
        assert.equal(job.result, isLost ? '"from the winner"' : '"blocked"');
        assert.deepEqual([winner.deliveries.length, job.deliveries, job.attempt], isLost ? [1, 2, 1] : [0, 1, 1]);
      },
    ),
    brokerCase(
      "refuses the ending of a process that stood still for longer than the lease",
      ["processes", "leases", "results"],
      async (bench) => {
        const { leaseMs } = bench;
        const worker = await bench.spawnWorker();
        // It answers in the very turn in which it goes on, before it can hear that it has lost the job.
        const { id } = await bench.enqueue({ args: behaviorArgs({ do: "block", ms: leaseMs, result: "late" }) });
        await worker.until("started", id);
        await stop(bench, worker);
        const winner = bench.holding();
        bench.consume(winner.execute, { leaseMs });
        await bench.until(() => winner.running === 1, "the job runs elsewhere");
        worker.signal("SIGCONT");
        await worker.until("answered", id);
        await bench.until(
          () => worker.journal.some(({ event }) => event === "error" || event === "aborted"),
          "the worker was told that it has lost the job",
        );
        assert.equal((await bench.get(id)).status, "running");
        winner.letGo(succeeded("from the winner"));
        const job = await bench.status(id, "succeeded");
        assert.deepEqual([job.result, job.attempt, job.deliveries], ['"from the winner"', 1, 2]);
        assert.equal(winner.deliveries.length, 1);
      },
    ),
    brokerCase(
      "aborts a job with lease_lost that its process has lost",
      ["processes", "leases", "results"],
      async (bench) => {
        const worker = await bench.spawnWorker();
        const { id } = await bench.enqueue({ args: behaviorArgs({ do: "hang" }) });
        await worker.until("started", id);
        await stop(bench, worker);
        bench.consume(() => succeeded(), { leaseMs: bench.leaseMs });
        await bench.succeed(id);
        worker.signal("SIGCONT");
        await worker.until("aborted", id);
        const codes = worker.journal.flatMap((entry) => (entry.event === "aborted" ? [entry.code] : []));
        assert.deepEqual(codes, ["lease_lost"]);
      },
    ),
    brokerCase("runs every job to one end while workers are killed", ["processes", "results"], async (bench) => {
      const jobs = createSampleJobs(60, { args: behaviorArgs({ do: "wait", ms: 20, result: "done" }) });
      await bench.broker.enqueue({ jobs });
      const spawn = (): Promise<SpawnedWorker> => bench.spawnWorker({ slots: 4, maxDeliveries: 20 });
      for (let round = 0; round < 3; round++) {
        const worker = await spawn();
        await bench.until(
          () => worker.journal.filter(({ event }) => event === "answered").length >= 5,
          "it has run some jobs",
        );
        await worker.kill();
      }
      await spawn();
      await bench.succeed(...jobs.map(({ id }) => id));
      const ended = await bench.broker.get({ ids: jobs.map(({ id }) => id) });
      for (const job of ended) assert.deepEqual([job?.attempt, job?.result, job?.failures], [1, '"done"', []]);
      assert.ok(
        ended.some((job) => job!.deliveries > 1),
        "some were handed over again",
      );
    }),
  ],
};
