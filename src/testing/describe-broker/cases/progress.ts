import assert from "node:assert/strict";
import type { Job } from "../../../tasks/job.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { retryIn, succeeded } from "../endings.ts";

const linesOf = (job: Job): readonly string[] => job.log.map(({ line }) => line);

export const progressCases: CaseGroup = {
  name: "progress and log",
  cases: [
    brokerCase("shows how far a running job is, soon", ["progress", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      const [delivery] = holding.deliveries;
      delivery!.progress(0.25);
      delivery!.progress(0.5, "half: ü '\"");
      await bench.until(async () => (await bench.get(id)).progress?.value === 0.5, "the progress is known");
      const { progress, startedAt, status } = await bench.get(id, await bench.other());
      assert.equal(status, "running");
      assert.equal(progress?.note, "half: ü '\"");
      assert.ok(progress!.at >= startedAt!, "with its time");
      delivery!.progress(0.75);
      await bench.until(async () => (await bench.get(id)).progress?.value === 0.75, "the progress is known");
      assert.equal((await bench.get(id)).progress?.note, undefined);
    }),
    brokerCase("shows the lines of a running job in order, soon", ["progress", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      for (const line of ["one", "two: ü '\"", "two: ü '\""]) holding.deliveries[0]!.log(line);
      await bench.until(async () => (await bench.get(id)).log.length === 3, "the lines are known");
      holding.deliveries[0]!.log("three");
      await bench.until(async () => (await bench.get(id)).log.length === 4, "the line is known");
      const job = await bench.get(id);
      assert.deepEqual(linesOf(job), ["one", "two: ü '\"", "two: ü '\"", "three"]);
      assert.ok(
        job.log.every(({ at }, index) => at >= (job.log[index - 1]?.at ?? job.startedAt!)),
        "with their times",
      );
    }),
    brokerCase("keeps what a job says right before its end", ["progress", "results"], async (bench) => {
      bench.consume((delivery) => {
        delivery.log("first and last");
        delivery.progress(1, "done");
        return succeeded();
      });
      const { id } = await bench.enqueue();
      const job = await bench.status(id, "succeeded");
      assert.deepEqual([linesOf(job), job.progress?.value, job.progress?.note], [["first and last"], 1, "done"]);
    }),
    brokerCase("keeps the lines of all attempts", ["progress", "results"], async (bench) => {
      bench.consume((delivery) => {
        delivery.log(`attempt ${delivery.job.attempt}`);
        return delivery.job.attempt < 3 ? retryIn(0) : succeeded();
      });
      const { id } = await bench.enqueue();
      assert.deepEqual(linesOf(await bench.status(id, "succeeded")), ["attempt 1", "attempt 2", "attempt 3"]);
    }),
    brokerCase("keeps the last hundred lines", ["progress", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      for (let line = 0; line < 70; line++) holding.deliveries[0]!.log(`${line}`);
      await bench.until(async () => (await bench.get(id)).log.length === 70, "the lines are known");
      for (let line = 70; line < 150; line++) holding.deliveries[0]!.log(`${line}`);
      holding.letGo();
      assert.deepEqual(
        linesOf(await bench.status(id, "succeeded")),
        Array.from({ length: 100 }, (_, index) => `${index + 50}`),
      );
    }),
  ],
};
