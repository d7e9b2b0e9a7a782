import assert from "node:assert/strict";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { failed, succeeded } from "../endings.ts";
import { after, argsOf, assertPartFailed, part } from "../dependency-jobs.ts";
import { Recorder } from "../recorder.ts";

export const dependencyFailureCases: CaseGroup = {
  name: "dependencies that fail",
  cases: [
    brokerCase(
      "fails what waits as soon as one part has failed, without running it",
      ["groups", "chords", "results"],
      async (bench) => {
        const parts = [part("a", { queue: "nobody serves it" }), part("b")];
        const last = after("c", parts, "results");
        const later = after("d", [last], "result");
        await bench.broker.enqueue({ jobs: [...parts, last, later] });
        const recorder = new Recorder(() => failed());
        bench.consume(recorder.execute);
        await assertPartFailed(bench, last.id);
        await assertPartFailed(bench, later.id);
        assert.deepEqual(recorder.ids, [parts[1]!.id]);
        assert.equal((await bench.get(parts[0]!.id)).status, "queued");
      },
    ),
    brokerCase(
      "fails what waits when a part is canceled or expires",
      ["groups", "cancelWaiting", "results"],
      async (bench) => {
        const canceled = part("a");
        const expiring = part("b", { expiresMs: 1 });
        const jobs = [canceled, expiring, after("c", [canceled], "nothing"), after("d", [expiring], "nothing")];
        await bench.broker.enqueue({ jobs });
        await bench.broker.cancel({ ids: [canceled.id], reason: "no" });
        await assertPartFailed(bench, jobs[2]!.id);
        bench.consume(() => succeeded(), { queues: ["another"] });
        await assertPartFailed(bench, jobs[3]!.id);
      },
    ),
    brokerCase("cancels a job that waits for others", ["groups", "cancelWaiting", "results"], async (bench) => {
      const jobs = [part("a")];
      jobs.push(after("b", jobs, "nothing"));
      jobs.push(after("c", jobs.slice(1), "nothing"));
      await bench.broker.enqueue({ jobs });
      assert.deepEqual(await bench.broker.cancel({ ids: [jobs[1]!.id], reason: "no" }), ["canceled"]);
      await assertPartFailed(bench, jobs[2]!.id);
      bench.consume(() => succeeded());
      await bench.succeed(jobs[0]!.id);
      assert.equal((await bench.get(jobs[1]!.id)).status, "canceled");
    }),
    brokerCase("waits again when the part that failed is retried", ["groups", "list", "results"], async (bench) => {
      let isBroken = true;
      const recorder = new Recorder(({ job }) =>
        isBroken && job.args === '["b"]' ? failed() : { status: "succeeded", result: job.args },
      );
      bench.consume(recorder.execute);
      const parts = [part("a"), part("b")];
      const last = after("c", parts, "results");
      const later = after("d", [last], "result");
      await bench.broker.enqueue({ jobs: [...parts, last, later] });
      await assertPartFailed(bench, later.id);
      isBroken = false;
      assert.deepEqual(await bench.broker.retry({ ids: [parts[1]!.id] }), [true]);
      assert.deepEqual(await argsOf(bench, recorder, later), [[[["a"], ["b"]], "c"], "d"]);
      assert.deepEqual(
        recorder.args.filter((args) => (args as unknown[])[0] === "a").length,
        1,
        "the part that succeeded does not run again",
      );
    }),
    brokerCase(
      "waits again when it is retried together with the part that failed",
      ["groups", "list", "results"],
      async (bench) => {
        for (const isPartFirst of [true, false]) {
          let isBroken = true;
          const consumer = bench.consume(({ job }) =>
            isBroken ? failed() : { status: "succeeded", result: job.args },
          );
          const first = part("a");
          const last = after("b", [first], "result");
          await bench.broker.enqueue({ jobs: [first, last] });
          await assertPartFailed(bench, last.id);
          isBroken = false;
          await bench.broker.retry({ ids: isPartFirst ? [first.id, last.id] : [last.id, first.id] });
          assert.deepEqual(JSON.parse((await bench.status(last.id, "succeeded")).result!), [["a"], "b"]);
          await bench.closeConsumer(consumer);
        }
      },
    ),
    brokerCase(
      "passes again what was passed when the job itself is retried",
      ["groups", "list", "results"],
      async (bench) => {
        let isBroken = true;
        bench.consume(({ job }) =>
          isBroken && job.args.includes("b") ? failed() : { status: "succeeded", result: job.args },
        );
        const first = part("a");
        const last = after("b", [first], "result");
        await bench.broker.enqueue({ jobs: [first, last] });
        await bench.status(last.id, "failed");
        isBroken = false;
        assert.deepEqual(await bench.broker.retry({ ids: [last.id] }), [true]);
        assert.deepEqual(JSON.parse((await bench.status(last.id, "succeeded")).result!), [["a"], "b"]);
      },
    ),
  ],
};
