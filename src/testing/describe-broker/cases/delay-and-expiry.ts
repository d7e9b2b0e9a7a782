import assert from "node:assert/strict";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { retryIn, succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";
import { pass } from "../wait.ts";

export const delayAndExpiryCases: CaseGroup = {
  name: "delay and expiry",
  cases: [
    brokerCase("starts a delayed job when its delay is over, not before", ["delay", "results"], async (bench) => {
      const { id } = await bench.enqueue({ delayMs: 1_000 });
      const waiting = await bench.get(id);
      assert.equal(waiting.status, "scheduled");
      assert.ok(Math.abs(waiting.runAt! - waiting.storedAt - 1_000) <= 100, "runAt is the delay after storedAt");
      bench.consume(() => succeeded());
      const job = await bench.status(id, "succeeded");
      assert.ok(job.startedAt! - job.storedAt >= 999, `started after ${job.startedAt! - job.storedAt} ms`);
    }),
    brokerCase("runs other jobs while one is delayed", ["delay", "results"], async (bench) => {
      const delayed = await bench.enqueue({ delayMs: 600_000, priority: 9 });
      const other = await bench.enqueue();
      bench.consume(() => succeeded());
      await bench.succeed(other.id);
      assert.equal((await bench.get(delayed.id)).status, "scheduled");
    }),
    brokerCase("starts a job whose delay is over while nobody consumed", ["delay", "results"], async (bench) => {
      const { id } = await bench.enqueue({ delayMs: 30 });
      await pass(60);
      bench.consume(() => succeeded());
      await bench.succeed(id);
    }),
    brokerCase(
      "shows a job as queued when its delay is over, also when nobody consumes",
      ["delay", "results"],
      async (bench) => {
        const { id } = await bench.enqueue({ delayMs: 30 });
        await bench.status(id, "queued");
      },
    ),
    brokerCase(
      "ends a job as expired that was not started in time, and does not run it",
      ["results"],
      async (bench) => {
        const { id } = await bench.enqueue({ expiresMs: 30 });
        const waiting = await bench.get(id);
        assert.ok(Math.abs(waiting.expiresAt! - waiting.storedAt - 30) <= 100, "expiresAt is expiresMs after storedAt");
        await pass(60);
        const recorder = new Recorder();
        bench.consume(recorder.execute);
        const marker = await bench.enqueue();
        await bench.succeed(marker.id);
        const job = await bench.status(id, "expired");
        assert.ok(job.endedAt! >= job.expiresAt!, "it ends when it has expired");
        assert.deepEqual(recorder.ids, [marker.id]);
      },
    ),
    brokerCase("ends a job as expired also when nobody consumes", ["results"], async (bench) => {
      const { id } = await bench.enqueue({ expiresMs: 30 });
      await bench.status(id, "expired");
    }),
    brokerCase("ends a job as expired whose delay is longer", ["delay", "results"], async (bench) => {
      const { id } = await bench.enqueue({ delayMs: 600_000, expiresMs: 30 });
      bench.consume(() => succeeded());
      await bench.status(id, "expired");
    }),
    brokerCase("lets a job run longer than its expiry that was started in time", ["results"], async (bench) => {
      const recorder = bench.holding();
      bench.consume(recorder.execute);
      const { id } = await bench.enqueue({ expiresMs: 1_000 });
      await bench.until(() => recorder.running === 1, "the job runs");
      await pass(1_050);
      assert.equal((await bench.get(id)).status, "running");
      recorder.letGo();
      await bench.succeed(id);
    }),
    brokerCase("lets further attempts start after the expiry", ["delay", "results"], async (bench) => {
      bench.consume(({ job }) => (job.attempt === 1 ? retryIn(1_100) : succeeded()));
      const { id } = await bench.enqueue({ expiresMs: 1_000 });
      await bench.succeed(id);
    }),
  ],
};
