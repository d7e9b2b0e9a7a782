import assert from "node:assert/strict";
import type { Broker, ScheduleRecord } from "../../../tasks/broker.ts";
import type { NewJob } from "../../../tasks/job.ts";
import { brokerCase, type CaseGroup } from "../broker-case.ts";
import { createSampleJob, sampleTask } from "../sample-job.ts";

const schedule = "nightly";
const cron = "0 3 * * *";
/** A tick, and the one a minute later. */
const at = 1_790_000_040_000;
const later = at + 60_000;

function put(
  broker: Broker,
  fields: Partial<Pick<ScheduleRecord, "name" | "cron" | "timezone">> = {},
): Promise<ScheduleRecord> {
  return broker.putSchedule({ name: schedule, cron, timezone: "Europe/Berlin", task: sampleTask, ...fields });
}

async function recordOf(broker: Broker): Promise<ScheduleRecord | undefined> {
  return (await broker.schedules()).find(({ name }) => name === schedule);
}

async function tick(
  broker: Broker,
  ...instants: readonly number[]
): Promise<{ answers: readonly boolean[]; jobs: readonly NewJob[] }> {
  const ticks = instants.map((instant) => ({ at: instant, job: createSampleJob({ meta: { schedule } }) }));
  return { answers: await broker.tick({ schedule, ticks }), jobs: ticks.map(({ job }) => job) };
}

async function knownOf(broker: Broker, jobs: readonly NewJob[]): Promise<readonly boolean[]> {
  return (await broker.get({ ids: jobs.map(({ id }) => id) })).map((job) => job !== undefined);
}

export const scheduleCases: CaseGroup = {
  name: "schedules",
  cases: [
    brokerCase("makes a schedule known", ["schedule"], async ({ broker }) => {
      assert.deepEqual(await broker.schedules(), []);
      const record = await put(broker);
      const { createdAt, ...rest } = record;
      assert.deepEqual(rest, {
        name: schedule,
        cron,
        timezone: "Europe/Berlin",
        task: sampleTask,
        lastTickAt: undefined,
        lastJobId: undefined,
        isPaused: false,
      });
      assert.ok(createdAt > 1e12, "createdAt is in milliseconds since the epoch");
      assert.deepEqual(await broker.schedules(), [record]);
    }),
    brokerCase("stores the job of a tick, and remembers it", ["schedule", "results"], async ({ broker }) => {
      await put(broker);
      const { answers, jobs } = await tick(broker, at);
      assert.deepEqual(answers, [true]);
      const [job] = await broker.get({ ids: [jobs[0]!.id] });
      assert.deepEqual([job?.status, job?.meta], ["queued", { schedule }]);
      const record = await recordOf(broker);
      assert.deepEqual([record?.lastTickAt, record?.lastJobId], [at, jobs[0]!.id]);
    }),
    brokerCase(
      "stores nothing for a tick that was stored before, or an older one",
      ["schedule", "results"],
      async ({ broker }) => {
        await put(broker);
        await tick(broker, at);
        for (const instants of [[at], [at - 60_000]]) {
          const { answers, jobs } = await tick(broker, ...instants);
          assert.deepEqual(answers, [false]);
          assert.deepEqual(await knownOf(broker, jobs), [false]);
        }
        assert.equal((await recordOf(broker))?.lastTickAt, at);
      },
    ),
    brokerCase("stores of several ticks those that are new", ["schedule", "results"], async ({ broker }) => {
      await put(broker);
      await tick(broker, at);
      const { answers, jobs } = await tick(broker, at - 60_000, at, later, later + 60_000);
      assert.deepEqual(answers, [false, false, true, true]);
      assert.deepEqual(await knownOf(broker, jobs), answers);
      assert.equal((await recordOf(broker))?.lastTickAt, later + 60_000);
      assert.deepEqual((await tick(broker)).answers, []);
    }),
    brokerCase("stores one job for a tick that many schedulers hand over", ["schedule", "results"], async (bench) => {
      const { broker } = bench;
      const other = await bench.other();
      await put(broker);
      for (let minute = 0; minute < 10; minute++) {
        const ticks = await Promise.all([broker, other, broker, other].map((each) => tick(each, at + minute * 60_000)));
        assert.equal(ticks.flatMap(({ answers }) => answers).filter(Boolean).length, 1);
        for (const { answers, jobs } of ticks) assert.deepEqual(await knownOf(broker, jobs), answers);
      }
    }),
    brokerCase("stores nothing while the schedule is paused", ["schedule", "results"], async (bench) => {
      const { broker } = bench;
      await put(broker);
      assert.equal(await broker.pauseSchedule({ name: schedule, isPaused: true }), true);
      assert.equal((await recordOf(await bench.other()))?.isPaused, true);
      const held = await tick(broker, at);
      assert.deepEqual(held.answers, [false]);
      assert.deepEqual(await knownOf(broker, held.jobs), [false]);
      assert.equal(await broker.pauseSchedule({ name: schedule, isPaused: false }), true);
      assert.deepEqual((await tick(broker, later)).answers, [true]);
    }),
    brokerCase(
      "changes a schedule that is known, and keeps its last tick and its pause",
      ["schedule"],
      async ({ broker }) => {
        const { createdAt } = await put(broker);
        const { jobs } = await tick(broker, at);
        await broker.pauseSchedule({ name: schedule, isPaused: true });
        assert.deepEqual(await put(broker, { cron: "* * * * *", timezone: "UTC" }), {
          name: schedule,
          cron: "* * * * *",
          timezone: "UTC",
          task: sampleTask,
          createdAt,
          lastTickAt: at,
          lastJobId: jobs[0]!.id,
          isPaused: true,
        });
        assert.equal((await broker.schedules()).length, 1);
      },
    ),
    brokerCase("forgets a schedule that is removed, not its jobs", ["schedule", "results"], async ({ broker }) => {
      await put(broker);
      await put(broker, { name: "hourly" });
      const { jobs } = await tick(broker, at);
      assert.equal(await broker.removeSchedule({ name: schedule }), true);
      assert.deepEqual(
        (await broker.schedules()).map(({ name }) => name),
        ["hourly"],
      );
      assert.deepEqual(await knownOf(broker, jobs), [true]);
      assert.equal((await put(broker)).lastTickAt, undefined);
    }),
    brokerCase("knows no schedule that was never put", ["schedule"], async ({ broker }) => {
      assert.equal(await broker.removeSchedule({ name: "unknown" }), false);
      assert.equal(await broker.pauseSchedule({ name: "unknown", isPaused: true }), false);
    }),
    brokerCase("keeps schedules over close and open", ["schedule", "durability"], async (bench) => {
      await put(bench.broker);
      await tick(bench.broker, at);
      const before = await bench.broker.schedules();
      await bench.closeBroker(bench.broker);
      await bench.open(bench.broker);
      assert.deepEqual(await bench.broker.schedules(), before);
      assert.deepEqual((await tick(bench.broker, at)).answers, [false]);
    }),
  ],
};
