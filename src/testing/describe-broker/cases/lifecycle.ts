import assert from "node:assert/strict";
import type { Broker } from "../../../tasks/broker.ts";
import { StoreError } from "../../../tasks/store-error.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { createSampleJob, createSampleJobs, sampleQueue, sampleTask } from "../sample-job.ts";
import { within } from "../wait.ts";

/** Every verb that asks the store, as far as the broker can do it. */
function verbs(broker: Broker): Readonly<Record<string, () => Promise<unknown>>> {
  const { supports } = broker;
  const ids = [createSampleJob().id];
  const schedule = "nightly";
  return {
    enqueue: () => broker.enqueue({ jobs: [createSampleJob()] }),
    workers: () => broker.workers(),
    cancel: () => broker.cancel({ ids, reason: "changed my mind" }),
    ...(supports.has("results") && { get: () => broker.get({ ids }) }),
    ...(supports.has("list") && {
      list: () => broker.list({ filter: {}, limit: 10 }),
      counts: () => broker.counts(),
      retry: () => broker.retry({ ids }),
      remove: () => broker.remove({ ids }),
      purge: () => broker.purge({ statuses: ["succeeded"] }),
    }),
    ...(supports.has("pause") && {
      pause: () => broker.pause({ queue: "held" }),
      resume: () => broker.resume({ queue: "held" }),
    }),
    ...(supports.has("schedule") && {
      putSchedule: () => broker.putSchedule({ name: schedule, cron: "* * * * *", timezone: "UTC", task: sampleTask }),
      schedules: () => broker.schedules(),
      pauseSchedule: () => broker.pauseSchedule({ name: schedule, isPaused: true }),
      tick: () => broker.tick({ schedule, ticks: [{ at: 60_000, job: createSampleJob() }] }),
      removeSchedule: () => broker.removeSchedule({ name: schedule }),
    }),
  };
}

async function assertClosed(broker: Broker, withinMs: number): Promise<void> {
  for (const [verb, call] of Object.entries(verbs(broker))) {
    const outcome = await within(
      call().then(
        () => "resolved",
        (error: unknown) => error,
      ),
      withinMs,
      `${verb}() of a closed broker to settle`,
    );
    assert.ok(outcome instanceof StoreError, `${verb}() of a closed broker: ${String(outcome)} is not a StoreError`);
    assert.equal(outcome.code, "broker_closed", `${verb}() of a closed broker`);
  }
}

export const lifecycleCases: CaseGroup = {
  name: "open and close",
  cases: [
    brokerCase("refuses every verb with broker_closed before it is open", [], async (bench) => {
      await assertClosed(await bench.createBroker(), bench.patienceMs);
    }),
    brokerCase("refuses every verb with broker_closed after it was closed", [], async (bench) => {
      await bench.closeBroker(bench.broker);
      await assertClosed(bench.broker, bench.patienceMs);
    }),
    brokerCase("can be closed without having done anything", [], async (bench) => {
      await bench.closeBroker(bench.broker);
    }),
    brokerCase("works again when it is opened again", ["results"], async (bench) => {
      await bench.closeBroker(bench.broker);
      await bench.open(bench.broker);
      const { id } = await bench.enqueue();
      bench.consume(() => ({ status: "succeeded", result: "1" }));
      await bench.succeed(id);
    }),
    brokerCase("does everything at the same time", [], async (bench) => {
      const { broker } = bench;
      const calls = Array.from({ length: 5 }, () => Object.values(verbs(broker))).flat();
      await within(Promise.all(calls.map((call) => call())), bench.patienceMs, "all verbs at the same time");
    }),
    brokerCase("settles whatever is under way when it is closed", [], async (bench) => {
      const { broker } = bench;
      const calls = Object.entries(verbs(broker)).map(([verb, call]) => ({ verb, promise: call() }));
      const settled = Promise.allSettled(calls.map(({ promise }) => promise));
      await bench.closeBroker(broker);
      for (const [index, result] of (await within(settled, bench.patienceMs, "the verbs to settle")).entries())
        if (result.status === "rejected")
          assert.ok(result.reason instanceof StoreError, `${calls[index]!.verb}(): ${String(result.reason)}`);
    }),
    brokerCase("closes while jobs run that never end", [], async (bench) => {
      const recorder = bench.holding();
      bench.consume(recorder.execute, { slots: 2 });
      await bench.broker.enqueue({ jobs: createSampleJobs(2) });
      await bench.until(() => recorder.running === 2, "both jobs run");
      await bench.closeBroker(bench.broker);
      for (const { abortReason } of recorder.deliveries) assert.equal(abortReason?.code, "shutdown");
    }),
    brokerCase("gives the jobs that run back when it is closed", ["durability", "results"], async (bench) => {
      const recorder = bench.holding();
      bench.consume(recorder.execute);
      const { id } = await bench.enqueue();
      await bench.until(() => recorder.running === 1, "the job runs");
      await bench.closeBroker(bench.broker);
      await bench.open(bench.broker);
      const { status, deliveries } = await bench.get(id);
      assert.deepEqual({ status, deliveries }, { status: "queued", deliveries: 0 });
    }),
    brokerCase("keeps jobs over close and open", ["durability", "results"], async (bench) => {
      const { id } = await bench.enqueue({ args: '["kept"]' });
      const before = await bench.get(id);
      await bench.closeBroker(bench.broker);
      await bench.open(bench.broker);
      assert.deepEqual(await bench.get(id), before);
      bench.consume(() => ({ status: "succeeded", result: "1" }));
      await bench.succeed(id);
    }),
    brokerCase("shows one connection what another has stored", ["connections", "results"], async (bench) => {
      const another = await bench.another();
      const { id } = await bench.enqueue({}, another);
      assert.equal((await bench.get(id)).queue, sampleQueue);
    }),
  ],
};
