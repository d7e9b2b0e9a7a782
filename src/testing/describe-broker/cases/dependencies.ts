import assert from "node:assert/strict";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { failed, retryIn } from "../endings.ts";
import { after, argsOf, assertPartFailed, echoing, part } from "../dependency-jobs.ts";
import { Recorder } from "../recorder.ts";

export const dependencyCases: CaseGroup = {
  name: "dependencies",
  cases: [
    brokerCase("keeps a job waiting until those before it have succeeded", ["groups", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute, { slots: 4 });
      const first = part("a");
      const last = after("b", [first], "nothing");
      await bench.broker.enqueue({ jobs: [first, last] });
      await bench.until(() => holding.running === 1, "the first runs");
      const waiting = await bench.get(last.id);
      assert.equal(waiting.runAt, undefined);
      assert.deepEqual(waiting.after, last.after);
      assert.ok(waiting.status === "scheduled" || waiting.status === "queued", waiting.status);
      holding.letGo();
      const ended = await bench.status(last.id, "succeeded");
      assert.ok(ended.startedAt! >= (await bench.get(first.id)).endedAt!, "it starts after the end of the first");
      assert.equal(typeof ended.runAt, "number");
      assert.deepEqual(holding.ids, [first.id, last.id]);
    }),
    brokerCase(
      "passes the result of a job in front of the arguments of the next",
      ["groups", "results"],
      async (bench) => {
        const recorder = echoing();
        bench.consume(recorder.execute);
        const first = part("a");
        const second = after("b", [first], "result");
        const third = after("c", [second], "result");
        await bench.broker.enqueue({ jobs: [first, second, third] });
        assert.deepEqual(await argsOf(bench, recorder, third), [[["a"], "b"], "c"]);
      },
    ),
    brokerCase("passes nothing where nothing is to be passed", ["groups", "chords", "results"], async (bench) => {
      const recorder = echoing();
      bench.consume(recorder.execute);
      const parts = [part("a"), part("b")];
      const last = after("c", parts, "nothing");
      await bench.broker.enqueue({ jobs: [...parts, last] });
      assert.deepEqual(await argsOf(bench, recorder, last), ["c"]);
    }),
    brokerCase(
      "passes all results in the order of the ids, whichever came first",
      ["groups", "freeDependencies", "results"],
      async (bench) => {
        const recorder = echoing();
        bench.consume(recorder.execute);
        const parts = [part("a", { priority: 0 }), part("b", { priority: 9 }), part("c", { priority: 5 })];
        const last = after("d", parts, "results");
        await bench.broker.enqueue({ jobs: [...parts, last] });
        assert.deepEqual(await argsOf(bench, recorder, last), [[["a"], ["b"], ["c"]], "d"]);
        const one = after("e", parts.slice(1, 2), "results");
        await bench.broker.enqueue({ jobs: [one] });
        assert.deepEqual(await argsOf(bench, recorder, one), [[["b"]], "e"]);
      },
    ),
    brokerCase("counts a job once that is named twice", ["groups", "freeDependencies", "results"], async (bench) => {
      const recorder = echoing();
      bench.consume(recorder.execute);
      const [a, b] = [part("a"), part("b")];
      const last = after("c", [a, b, a], "results");
      await bench.broker.enqueue({ jobs: [a, b, last] });
      assert.deepEqual(await argsOf(bench, recorder, last), [[["a"], ["b"], ["a"]], "c"]);
    }),
    brokerCase("lets many jobs wait for one, and one for many", ["groups", "chords", "results"], async (bench) => {
      const recorder = echoing();
      bench.consume(recorder.execute, { slots: 8 });
      const first = part("first");
      const parts = Array.from({ length: 100 }, (_, index) => after(`${index}`, [first], "nothing"));
      const last = after("last", parts, "results");
      await bench.broker.enqueue({ jobs: [first, ...parts, last] });
      assert.deepEqual(await argsOf(bench, recorder, last), [parts.map((_, index) => [`${index}`]), "last"]);
    }),
    brokerCase(
      "runs what waits once, also when its parts end at the same time on two connections",
      ["groups", "chords", "results"],
      async (bench) => {
        const recorder = echoing();
        bench.consume(recorder.execute, { slots: 10 });
        bench.consume(recorder.execute, { slots: 10, broker: await bench.other() });
        const chords = Array.from({ length: 20 }, (_, index) => {
          const parts = [part(`${index}a`), part(`${index}b`)];
          return { parts, last: after(`${index}`, parts, "results") };
        });
        await bench.broker.enqueue({ jobs: chords.flatMap(({ parts, last }) => [...parts, last]) });
        for (const [index, { last }] of chords.entries())
          assert.deepEqual(await argsOf(bench, recorder, last), [[[`${index}a`], [`${index}b`]], `${index}`]);
      },
    ),
    brokerCase("waits for a part through all its attempts", ["groups", "results"], async (bench) => {
      const recorder = new Recorder(({ job }) =>
        job.attempt < 3 ? retryIn(0) : { status: "succeeded", result: job.args },
      );
      bench.consume(recorder.execute);
      const first = part("a");
      const last = after("b", [first], "result", { attempts: 5 });
      await bench.broker.enqueue({ jobs: [first, last] });
      const job = await bench.status(last.id, "succeeded");
      assert.deepEqual(JSON.parse(job.result!), [["a"], "b"]);
      assert.equal(job.attempt, 3);
      assert.deepEqual(
        recorder.ids,
        [first, last].flatMap(({ id }) => [id, id, id]),
      );
    }),
    brokerCase(
      "heeds jobs that had ended before the one that waits for them was stored",
      ["groups", "freeDependencies", "results"],
      async (bench) => {
        const recorder = new Recorder(({ job }) =>
          job.args === '["broken"]' ? failed() : { status: "succeeded", result: job.args },
        );
        bench.consume(recorder.execute);
        const [well, broken] = [part("well"), part("broken")];
        await bench.broker.enqueue({ jobs: [well, broken] });
        await bench.succeed(well.id);
        await bench.status(broken.id, "failed");
        const lasts = [after("a", [well], "result"), after("b", [well, broken], "results")];
        await bench.broker.enqueue({ jobs: lasts });
        assert.deepEqual(await argsOf(bench, recorder, lasts[0]!), [["well"], "a"]);
        await assertPartFailed(bench, lasts[1]!.id);
      },
    ),
    brokerCase(
      "keeps the results that are waited for as long as they are needed",
      ["groups", "chords", "results"],
      async (bench) => {
        const recorder = echoing();
        const parts = [part("a", { keepResultMs: 0 }), part("b", { keepResultMs: 0, queue: "slow" })];
        const last = after("c", parts, "results", { queue: "slow" });
        bench.consume(recorder.execute);
        await bench.broker.enqueue({ jobs: [...parts, last] });
        await bench.until(() => recorder.deliveries.length === 1, "the first part has run");
        const marker = await bench.enqueue();
        await bench.succeed(marker.id);
        bench.consume(recorder.execute, { queues: ["slow"] });
        assert.deepEqual(await argsOf(bench, recorder, last), [[["a"], ["b"]], "c"]);
      },
    ),
  ],
};
