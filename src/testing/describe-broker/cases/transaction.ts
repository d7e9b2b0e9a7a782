import assert from "node:assert/strict";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJob, createSampleJobs } from "../sample-job.ts";

export const transactionCases: CaseGroup = {
  name: "transaction",
  cases: [
    brokerCase(
      "stores jobs when the user's transaction commits, and runs them",
      ["transaction", "results"],
      async (bench) => {
        const jobs = createSampleJobs(3);
        const ids = jobs.map(({ id }) => id);
        const transaction = await bench.transaction();
        const stored = await bench.broker.enqueue({ jobs, transaction: transaction.handle });
        assert.deepEqual(
          stored,
          ids.map((id) => ({ id, isDuplicate: false })),
        );
        assert.deepEqual(await bench.broker.get({ ids }), [undefined, undefined, undefined]);
        await transaction.commit();
        const recorder = new Recorder();
        bench.consume(recorder.execute);
        await bench.succeed(...ids);
        assert.deepEqual(recorder.ids, ids);
      },
    ),
    brokerCase("hears of the commit while it consumes", ["transaction", "results"], async (bench) => {
      const recorder = new Recorder();
      bench.consume(recorder.execute);
      const marker = await bench.enqueue();
      await bench.succeed(marker.id);
      const job = createSampleJob();
      const transaction = await bench.transaction();
      await bench.broker.enqueue({ jobs: [job], transaction: transaction.handle });
      await transaction.commit();
      await bench.succeed(job.id);
    }),
    brokerCase("stores nothing when it is rolled back", ["transaction", "results"], async (bench) => {
      const job = createSampleJob();
      const transaction = await bench.transaction();
      await bench.broker.enqueue({ jobs: [job], transaction: transaction.handle });
      await transaction.rollback();
      assert.deepEqual(await bench.broker.get({ ids: [job.id] }), [undefined]);
      const recorder = new Recorder();
      bench.consume(recorder.execute);
      const marker = await bench.enqueue();
      await bench.succeed(marker.id);
      assert.deepEqual(recorder.ids, [marker.id]);
    }),
    brokerCase(
      "heeds unique keys inside a transaction, and frees them when it is rolled back",
      ["transaction", "unique"],
      async (bench) => {
        const first = createSampleJob({ uniqueKey: "u1" });
        const transaction = await bench.transaction();
        const request = { jobs: [first, createSampleJob({ uniqueKey: "u1" })], transaction: transaction.handle };
        assert.deepEqual(await bench.broker.enqueue(request), [
          { id: first.id, isDuplicate: false },
          { id: first.id, isDuplicate: true },
        ]);
        await transaction.rollback();
        assert.equal((await bench.enqueue({ uniqueKey: "u1" })).isDuplicate, false);
      },
    ),
  ],
};
