import { afterEach, describe, expect, it } from "vitest";
import { memory, task, type Broker } from "afterword";
import { waitUntil } from "../../test/support/wait-until.ts";
import { Schedule, type ScheduleOptions } from "../tasks/schedule.ts";
import { StoreError } from "../tasks/store-error.ts";
import { Scheduler } from "./scheduler.ts";

const report = task("scheduler.report", async () => {});
const brokers: Broker[] = [];
const schedulers: Scheduler[] = [];

afterEach(async () => {
  for (const scheduler of schedulers.splice(0)) await scheduler.close();
  for (const broker of brokers.splice(0)) await broker.close();
});

async function openBroker(): Promise<Broker> {
  const broker = memory();
  await broker.open();
  brokers.push(broker);
  return broker;
}

function everySecond(options: ScheduleOptions = {}): Schedule {
  return new Schedule("each second", "* * * * * *", report, [], options);
}

function startScheduler(
  broker: Broker,
  schedule: Schedule,
  now: () => number = Date.now,
  onError = (_: unknown): void => {},
) {
  const scheduler = new Scheduler({ broker, schedules: [schedule], now, onError });
  schedulers.push(scheduler);
  return scheduler;
}

async function ticks(broker: Broker): Promise<string[]> {
  const { jobs } = await broker.list({ filter: {}, limit: 1_000 });
  return jobs.map(({ meta }) => meta.tick!).toSorted();
}

describe("a scheduler", () => {
  it("stores one job for each tick, however many of them there are", async () => {
    const broker = await openBroker();
    for (let count = 0; count < 3; count++) await startScheduler(broker, everySecond()).start();
    await waitUntil(async () => (await ticks(broker)).length >= 3);
    const found = await ticks(broker);
    expect(new Set(found).size).toBe(found.length);
  });

  it.each([
    ["skip", 0],
    ["once", 1],
    ["all", 3],
  ] as const)("stores what was missed while nobody was there, by the policy %s", async (missed, count) => {
    const broker = await openBroker();
    const hourly = (): Schedule => new Schedule("hourly", "30 * * * *", report, [], { missed });
    const start = Date.now();
    await startScheduler(broker, hourly(), () => start).start();
    await schedulers.pop()!.close();
    const later = start + 3 * 3_600_000;
    await startScheduler(
      broker,
      hourly(),
      () => later + (30 - new Date(later).getMinutes() === 0 ? 120_000 : 0),
    ).start();
    expect(await ticks(broker)).toHaveLength(count);
  });

  it("goes on when the broker is back, tells of it once, and stores no tick twice although an answer was lost", async () => {
    const broker = await openBroker();
    const errors: unknown[] = [];
    let calls = 0;
    const flaky: Broker = Object.assign(Object.create(broker) as Broker, {
      async tick(request: Parameters<Broker["tick"]>[0]) {
        calls++;
        if (calls === 1) throw new StoreError("not_stored", "The broker is away.");
        const stored = await broker.tick(request);
        if (calls === 2) throw new StoreError("maybe_stored", "The answer was lost.");
        return stored;
      },
      putSchedule: broker.putSchedule.bind(broker),
    });
    await startScheduler(flaky, everySecond(), Date.now, (error) => errors.push(error)).start();
    await waitUntil(async () => (await ticks(broker)).length >= 2, { withinMs: 10_000 });
    expect(errors).toHaveLength(1);
    const found = await ticks(broker);
    expect(new Set(found).size).toBe(found.length);
  });

  it("keeps the last tick of a schedule whose time is changed", async () => {
    const broker = await openBroker();
    const now = Date.now();
    await broker.putSchedule({ name: "s", cron: "0 3 * * *", timezone: "UTC", task: "scheduler.report" });
    const first = new Schedule("s", "0 3 * * *", report, [], {});
    await broker.tick({ schedule: "s", ticks: [{ at: now, job: first.toJob(now) }] });
    await startScheduler(broker, new Schedule("s", "0 4 * * *", report, [], {})).start();
    expect(await broker.schedules()).toMatchObject([{ name: "s", cron: "0 4 * * *", lastTickAt: now }]);
  });

  it("stores nothing of a schedule that is paused", async () => {
    const broker = await openBroker();
    const scheduler = startScheduler(broker, everySecond());
    await scheduler.start();
    await broker.pauseSchedule({ name: "each second", isPaused: true });
    const before = (await ticks(broker)).length;
    await waitUntil(() => new Date().getMilliseconds() > 900);
    await waitUntil(() => new Date().getMilliseconds() < 300);
    await scheduler.close();
    expect((await ticks(broker)).length - before).toBeLessThanOrEqual(1);
  });
});
