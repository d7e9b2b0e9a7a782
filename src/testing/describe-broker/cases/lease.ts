import assert from "node:assert/strict";
import type { Bench } from "../bench.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { failed, retryIn, succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { pass } from "../wait.ts";
import type { Ending } from "../../../tasks/ending.ts";

/** A job that was given back, and runs elsewhere while the one who lost it still goes on. */
async function loseJob(
  bench: Bench,
): Promise<{ id: string; loser: ReturnType<Bench["holding"]>; winner: ReturnType<Bench["holding"]> }> {
  const loser = bench.holding();
  const winner = bench.holding();
  const consumer = bench.consume(loser.execute);
  const { id } = await bench.enqueue();
  await bench.until(() => loser.running === 1, "the job runs");
  await bench.closeConsumer(consumer);
  bench.consume(winner.execute, { broker: await bench.other() });
  await bench.until(() => winner.running === 1, "the job runs elsewhere");
  return { id, loser, winner };
}

async function assertLateEndingRefused(bench: Bench, ending: Ending): Promise<void> {
  const { id, loser, winner } = await loseJob(bench);
  loser.letGo(ending);
  await bench.until(() => loser.running === 0, "the late ending came");
  // A verb that comes after it is answered after it.
  await bench.enqueue({ queue: "elsewhere" });
  await pass(50);
  const { status, failures } = await bench.get(id);
  assert.deepEqual({ status, failures }, { status: "running", failures: [] });
  winner.letGo(succeeded("from the winner"));
  const job = await bench.status(id, "succeeded");
  assert.deepEqual([job.result, job.failures, job.attempt], ['"from the winner"', [], 1]);
}

export const leaseCases: CaseGroup = {
  name: "lease and fencing",
  cases: [
    brokerCase("keeps a job that runs longer than the lease", ["results"], async (bench) => {
      const { leaseMs } = bench;
      const holding = bench.holding();
      const other = new Recorder();
      bench.consume(holding.execute, { leaseMs });
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      bench.consume(other.execute, { leaseMs, broker: await bench.other() });
      await pass(leaseMs * 3);
      const job = await bench.get(id);
      assert.deepEqual([job.status, job.deliveries], ["running", 1]);
      assert.equal(holding.deliveries[0]?.abortReason, undefined);
      holding.letGo(succeeded("first"));
      assert.equal((await bench.status(id, "succeeded")).result, '"first"');
      assert.deepEqual(other.ids, []);
    }),
    brokerCase("refuses the success of a worker that has lost the job", ["results"], async (bench) => {
      await assertLateEndingRefused(bench, succeeded("late"));
    }),
    brokerCase("refuses the failure of a worker that has lost the job", ["results"], async (bench) => {
      await assertLateEndingRefused(bench, failed("late"));
    }),
    brokerCase("refuses the retry of a worker that has lost the job", ["results"], async (bench) => {
      await assertLateEndingRefused(bench, retryIn(0, "late"));
    }),
    brokerCase("refuses to take a job back from a worker that has lost it", ["results"], async (bench) => {
      await assertLateEndingRefused(bench, { status: "released" });
    }),
    brokerCase("leaves an ended job as it is when a late ending comes", ["results"], async (bench) => {
      const { id, loser, winner } = await loseJob(bench);
      winner.letGo(succeeded("from the winner"));
      const before = await bench.status(id, "succeeded");
      loser.letGo(failed("late"));
      await bench.until(() => loser.running === 0, "the late ending came");
      await bench.enqueue({ queue: "elsewhere" });
      await pass(50);
      assert.deepEqual(await bench.get(id), before);
    }),
    brokerCase("keeps nothing that a worker says who has lost the job", ["progress", "results"], async (bench) => {
      const { id, loser, winner } = await loseJob(bench);
      loser.deliveries[0]!.log("late");
      loser.deliveries[0]!.progress(0.9, "late");
      winner.deliveries[0]!.log("in time");
      await bench.until(async () => (await bench.get(id)).log.length > 0, "a line is known");
      winner.letGo();
      const job = await bench.status(id, "succeeded");
      assert.deepEqual([job.log.map(({ line }) => line), job.progress], [["in time"], undefined]);
    }),
    brokerCase(
      "ends a job once when this process stood still for longer than the lease",
      ["results"],
      async (bench) => {
        const { leaseMs } = bench;
        const recorders = [bench.holding(), bench.holding()];
        const other = await bench.other();
        for (const [index, recorder] of recorders.entries())
          bench.consume(recorder.execute, { leaseMs, maxDeliveries: 20, broker: index === 0 ? bench.broker : other });
        const { id } = await bench.enqueue();
        await bench.until(() => recorders.some(({ running }) => running === 1), "the job runs");
        for (let round = 0; round < 3; round++) {
          const endMs = performance.now() + leaseMs * 1.5;
          while (performance.now() < endMs);
          await pass(leaseMs / 10);
        }
        const lastEpoch = (recorder: Recorder): number => recorder.deliveries.at(-1)?.job.epoch ?? 0;
        const [loser, holder] = recorders.toSorted((one, two) => lastEpoch(one) - lastEpoch(two));
        loser!.letGo(succeeded("of the loser"));
        await pass(50);
        holder!.letGo(succeeded("of the holder"));
        const { result } = await bench.status(id, "succeeded");
        // It may have changed hands once more in the meantime.
        assert.equal(result, lastEpoch(holder!) > lastEpoch(loser!) ? '"of the holder"' : '"of the loser"');
        bench.errors.splice(0);
      },
    ),
  ],
};
