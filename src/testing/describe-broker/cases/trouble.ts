import assert from "node:assert/strict";
import { StoreError } from "../../../tasks/store-error.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { succeeded } from "../endings.ts";
import { createSampleJob, createSampleJobs } from "../sample-job.ts";
import { within } from "../wait.ts";

/** What the contract allows, and a second for a busy machine. */
const answerMs = 3_000;

export const troubleCases: CaseGroup = {
  name: "trouble",
  cases: [
    brokerCase(
      "rejects with a StoreError within two seconds when the store does not take it",
      ["outages"],
      async (bench) => {
        const end = await bench.offered("interrupt", bench.setup.interrupt)();
        try {
          const outcome = bench.enqueue().then(
            () => "stored",
            (error: unknown) => error,
          );
          const error = await within(outcome, answerMs, "enqueue() to settle");
          assert.ok(error instanceof StoreError, String(error));
          assert.ok(error.code === "not_stored" || error.code === "maybe_stored", error.code);
        } finally {
          await end();
        }
        await bench.enqueue();
      },
    ),
    brokerCase("keeps nobody waiting longer because others wait, too", ["outages"], async (bench) => {
      const { broker } = bench;
      const verbs: readonly (() => Promise<unknown>)[] = [
        () => bench.enqueue(),
        () => broker.cancel({ ids: [createSampleJob().id], reason: "no" }),
        () => broker.workers(),
        ...(broker.supports.has("pause") ? [() => broker.pause({ queue: "held" })] : []),
        ...(broker.supports.has("list")
          ? [() => broker.purge({ statuses: ["succeeded"] }), () => broker.counts()]
          : []),
        () => bench.enqueue(),
      ];
      const end = await bench.offered("interrupt", bench.setup.interrupt)();
      try {
        const settled = Promise.allSettled(verbs.map((call) => call()));
        for (const result of await within(settled, answerMs, "all verbs to settle"))
          if (result.status === "rejected") assert.ok(result.reason instanceof StoreError, String(result.reason));
      } finally {
        await end();
      }
      await bench.enqueue();
    }),
    brokerCase(
      "consumes on when the store is back, and tells of the trouble",
      ["outages", "results"],
      async (bench) => {
        const holding = bench.holding();
        bench.consume(holding.execute, { slots: 2 });
        const { id } = await bench.enqueue();
        await bench.until(() => holding.running === 1, "the job runs");
        const end = await bench.offered("interrupt", bench.setup.interrupt)();
        try {
          holding.letGo(succeeded("stored later"));
          await bench.until(() => bench.errors.length > 0, "the consumer tells of the trouble");
        } finally {
          await end();
        }
        assert.equal((await bench.status(id, "succeeded")).result, '"stored later"');
        const next = await bench.enqueue();
        await bench.succeed(next.id);
        bench.errors.splice(0);
      },
    ),
    brokerCase(
      "stores none of a batch when the store does not take it",
      ["outages", "atomicity", "results"],
      async (bench) => {
        const jobs = createSampleJobs(20);
        const end = await bench.offered("interrupt", bench.setup.interrupt)();
        let error: unknown;
        try {
          error = await within(
            bench.broker.enqueue({ jobs }).catch((reason: unknown) => reason),
            answerMs,
            "enqueue() to settle",
          );
        } finally {
          await end();
        }
        if (!(error instanceof StoreError) || error.code !== "not_stored") return;
        const known = (await bench.broker.get({ ids: jobs.map(({ id }) => id) })).filter((job) => job !== undefined);
        assert.equal(known.length, 0);
      },
    ),
    brokerCase("answers while a great many jobs wait", ["results"], async (bench) => {
      for (let batch = 0; batch < 5; batch++)
        await bench.broker.enqueue({ jobs: createSampleJobs(1_000, { priority: 2 }) });
      const last = createSampleJob();
      await bench.broker.enqueue({ jobs: [last] });
      const holding = bench.holding();
      bench.consume(holding.execute, { slots: 2 });
      await bench.until(() => holding.running === 2, "two jobs run");
      if (bench.broker.supports.has("priority")) assert.equal(holding.ids[0], last.id);
    }),
    brokerCase(
      "goes on with the jobs after one whose texts are not what they should be",
      ["results"],
      async (bench) => {
        const odd = [
          createSampleJob({ args: "not JSON at all" }),
          createSampleJob({ args: "" }),
          createSampleJob({ task: "ü '\"%:/🎉" }),
        ];
        await bench.broker.enqueue({ jobs: odd });
        bench.consume(({ job }) => ({ status: "succeeded", result: JSON.stringify([job.task, job.args]) }));
        const marker = await bench.enqueue();
        await bench.succeed(marker.id);
        for (const { id, task, args } of odd)
          assert.deepEqual(JSON.parse((await bench.status(id, "succeeded")).result!), [task, args]);
      },
    ),
  ],
};
