import assert from "node:assert/strict";
import type { Broker } from "../../../tasks/broker.ts";
import type { Bench } from "../bench.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { succeeded } from "../endings.ts";
import { Recorder } from "../recorder.ts";

const queues = ["default", "mail"];

async function assertHeld(bench: Bench, from: Broker): Promise<void> {
  const recorder = new Recorder();
  bench.consume(recorder.execute, { queues, slots: 2 });
  await from.pause({ queue: "mail" });
  const held = await bench.enqueue({ queue: "mail", priority: 9 });
  const free = await bench.enqueue();
  await bench.succeed(free.id);
  assert.equal((await bench.get(held.id)).status, "queued");
  assert.deepEqual(recorder.ids, [free.id]);
  await from.resume({ queue: "mail" });
  await bench.succeed(held.id);
}

export const pauseCases: CaseGroup = {
  name: "pause",
  cases: [
    brokerCase(
      "claims nothing of a paused queue until it is resumed, and goes on with others",
      ["pause", "results"],
      async (bench) => {
        await assertHeld(bench, bench.broker);
      },
    ),
    brokerCase("pauses and resumes from another connection", ["pause", "connections", "results"], async (bench) => {
      await assertHeld(bench, await bench.another());
    }),
    brokerCase("lets what runs go on", ["pause", "results"], async (bench) => {
      const holding = bench.holding();
      bench.consume(holding.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => holding.running === 1, "the job runs");
      await bench.broker.pause({ queue: "default" });
      assert.equal(holding.deliveries[0]?.abortReason, undefined);
      holding.letGo();
      await bench.succeed(id);
    }),
    brokerCase("shows which queues are paused", ["pause", "list"], async (bench) => {
      const { broker } = bench;
      const isPaused = async (): Promise<boolean | undefined> =>
        (await (await bench.other()).counts()).find(({ queue }) => queue === "default")?.isPaused;
      await bench.enqueue();
      await broker.pause({ queue: "default" });
      await broker.pause({ queue: "default" });
      assert.equal(await isPaused(), true);
      await broker.resume({ queue: "default" });
      await broker.resume({ queue: "default" });
      assert.equal(await isPaused(), false);
    }),
    brokerCase("holds a queue that had no job yet", ["pause", "results"], async (bench) => {
      await bench.broker.pause({ queue: "mail" });
      bench.consume(() => succeeded(), { queues });
      const held = await bench.enqueue({ queue: "mail" });
      const marker = await bench.enqueue();
      await bench.succeed(marker.id);
      assert.equal((await bench.get(held.id)).status, "queued");
    }),
    brokerCase("holds a queue over close and open", ["pause", "durability", "results"], async (bench) => {
      const held = await bench.enqueue({ queue: "mail" });
      await bench.broker.pause({ queue: "mail" });
      await bench.closeBroker(bench.broker);
      await bench.open(bench.broker);
      bench.consume(() => succeeded(), { queues });
      const marker = await bench.enqueue();
      await bench.succeed(marker.id);
      assert.equal((await bench.get(held.id)).status, "queued");
      await bench.broker.resume({ queue: "mail" });
      await bench.succeed(held.id);
    }),
  ],
};
