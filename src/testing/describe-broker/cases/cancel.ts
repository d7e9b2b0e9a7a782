import assert from "node:assert/strict";
import type { Bench } from "../bench.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { createSampleJob } from "../sample-job.ts";
import type { Broker } from "../../../tasks/broker.ts";

/** A job that ends as canceled when its signal is aborted with that code. */
function obedient(): Recorder {
  return new Recorder(
    ({ signal, job }) =>
      new Promise((resolve) => {
        const end = (): void => resolve({ status: "canceled", reason: `heard in ${job.id}` });
        if (signal.aborted) end();
        else signal.addEventListener("abort", end, { once: true });
      }),
  );
}

async function assertCanceledWhileRunning(bench: Bench, from: Broker): Promise<void> {
  const recorder = obedient();
  bench.consume(recorder.execute);
  const { id } = await bench.enqueue();
  await bench.until(() => recorder.running === 1, "the job runs");
  assert.deepEqual(await from.cancel({ ids: [id], reason: "not needed" }), ["requested"]);
  const [delivery] = recorder.deliveries;
  const job = await bench.status(id, "canceled");
  assert.equal(delivery?.abortReason?.code, "canceled");
  assert.equal((delivery?.signal.reason as { code?: unknown } | undefined)?.code, "canceled");
  assert.ok(job.endedAt! >= job.startedAt!, "it ends after its start");
  assert.equal(typeof job.reason, "string");
  assert.equal(recorder.deliveries.length, 1);
}

export const cancelCases: CaseGroup = {
  name: "cancel",
  cases: [
    brokerCase("ends a waiting job at once, which then never runs", ["cancelWaiting", "results"], async (bench) => {
      const { id } = await bench.enqueue();
      assert.deepEqual(await bench.broker.cancel({ ids: [id], reason: "changed my mind" }), ["canceled"]);
      const job = await bench.get(id);
      assert.deepEqual([job.status, job.reason], ["canceled", "changed my mind"]);
      assert.ok(job.endedAt! >= job.storedAt, "endedAt");
      const recorder = new Recorder();
      bench.consume(recorder.execute);
      const marker = await bench.enqueue();
      await bench.succeed(marker.id);
      assert.deepEqual(recorder.ids, [marker.id]);
    }),
    brokerCase("ends a delayed job at once", ["cancelWaiting", "delay", "results"], async (bench) => {
      const { id } = await bench.enqueue({ delayMs: 50 });
      assert.deepEqual(await bench.broker.cancel({ ids: [id], reason: "no" }), ["canceled"]);
      assert.equal((await bench.get(id)).status, "canceled");
    }),
    brokerCase("aborts a running job", ["cancelRunning", "results"], async (bench) => {
      await assertCanceledWhileRunning(bench, bench.broker);
    }),
    brokerCase(
      "aborts a running job from another connection",
      ["cancelRunning", "connections", "results"],
      async (bench) => {
        await assertCanceledWhileRunning(bench, await bench.another());
      },
    ),
    brokerCase("shows that a running job is asked to end, and why", ["cancelRunning", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      const request = { ids: [id], reason: "too slow" };
      assert.deepEqual(await bench.broker.cancel(request), ["requested"]);
      assert.deepEqual(await bench.broker.cancel(request), ["requested"]);
      const job = await bench.get(id);
      assert.deepEqual([job.status, job.reason], ["running", "too slow"]);
    }),
    brokerCase("lets a running job succeed that does not heed it", ["cancelRunning", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      await bench.broker.cancel({ ids: [id], reason: "too slow" });
      await bench.until(() => holding.deliveries[0]?.abortReason, "the delivery is aborted");
      holding.letGo(succeeded("done anyway"));
      assert.equal((await bench.status(id, "succeeded")).result, '"done anyway"');
    }),
    brokerCase("leaves ended jobs alone, and knows no unknown ones", ["results"], async (bench) => {
      const { broker } = bench;
      bench.consume(() => succeeded("well"));
      const ended = await bench.enqueue();
      await bench.succeed(ended.id);
      const ids = [createSampleJob().id, ended.id];
      assert.deepEqual(await broker.cancel({ ids, reason: "late" }), ["unknown", "ended"]);
      assert.deepEqual(await broker.cancel({ ids: [], reason: "none" }), []);
      const job = await bench.get(ended.id);
      assert.deepEqual([job.status, job.result, job.reason], ["succeeded", '"well"', undefined]);
    }),
    brokerCase("cancels a job once", ["cancelWaiting", "results"], async (bench) => {
      const { id } = await bench.enqueue();
      const other = await bench.other();
      const results = await Promise.all(
        [bench.broker, other, bench.broker].map((broker, index) => broker.cancel({ ids: [id], reason: `${index}` })),
      );
      assert.deepEqual(results.flat().toSorted(), ["canceled", "ended", "ended"]);
    }),
  ],
};
