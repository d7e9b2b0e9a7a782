import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { memory, StoreError, task, type Broker } from "afterword";
import { Schedule, type ScheduleOptions } from "../tasks/schedule.ts";
import { Scheduler } from "./scheduler.ts";

const report = task("scheduler.report", async () => {});
const minuteMs = 60_000;
const start = Date.UTC(2026, 0, 1, 12, 0, 30);

const brokers: Broker[] = [];
const schedulers: Scheduler[] = [];

beforeEach(() => {
  vi.useFakeTimers({ now: start, toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(async () => {
  for (const scheduler of schedulers.splice(0)) await scheduler.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  for (const broker of brokers.splice(0)) await broker.close();
});

async function openBroker(): Promise<Broker> {
  const broker = memory();
  await broker.open();
  brokers.push(broker);
  return broker;
}

function create(cron: string, options?: ScheduleOptions, name = "s"): Schedule {
  return new Schedule(name, cron, report, [], options);
}

async function startScheduler(
  broker: Broker,
  schedules: readonly Schedule[],
  onError: (error: unknown) => void = (error) => expect.unreachable(String(error)),
): Promise<Scheduler> {
  const scheduler = new Scheduler({ broker, schedules, onError });
  schedulers.push(scheduler);
  await scheduler.start();
  return scheduler;
}

/** The hours and minutes of the ticks whose jobs are stored, ascending. */
async function ticksOf(broker: Broker, name = "s"): Promise<string[]> {
  const { jobs } = await broker.list({ filter: {}, limit: 1_000 });
  return jobs
    .filter(({ meta }) => meta.schedule === name)
    .map(({ meta }) => meta.tick!.slice(11, 16))
    .toSorted();
}

type Verb = "tick" | "putSchedule";

/** A broker whose verb does first what the test says. */
function rigged(broker: Broker, verb: Verb, before: (go: () => Promise<unknown>) => Promise<unknown>): Broker {
  return new Proxy(broker, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      const call = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      return key === verb ? (...args: unknown[]) => before(() => call(...args)) : call;
    },
  });
}

describe("a scheduler", () => {
  it("stores a job at each tick, and not before", async () => {
    const broker = await openBroker();
    await startScheduler(broker, [create("*/2 * * * *")]);
    await vi.advanceTimersByTimeAsync(89_000);
    expect(await ticksOf(broker)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000 + 4 * minuteMs);
    expect(await ticksOf(broker)).toEqual(["12:02", "12:04", "12:06"]);
  });

  it("stores one job for each tick, however many of them there are", async () => {
    const broker = await openBroker();
    for (let count = 0; count < 3; count++) await startScheduler(broker, [create("* * * * *")]);
    await vi.advanceTimersByTimeAsync(3 * minuteMs);
    expect(await ticksOf(broker)).toEqual(["12:01", "12:02", "12:03"]);
  });

  it.each([
    ["skip", []],
    ["once", ["15:15"]],
    ["all", ["12:15", "13:15", "14:15", "15:15"]],
  ] as const)(
    "stores at its start what was missed while nobody was there, by the policy %s",
    async (missed, expected) => {
      const broker = await openBroker();
      const first = await startScheduler(broker, [create("15 * * * *", { missed })]);
      await first.close();
      vi.setSystemTime(start + 3.5 * 60 * minuteMs);
      await startScheduler(broker, [create("15 * * * *", { missed })]);
      expect(await ticksOf(broker)).toEqual(expected);
    },
  );

  it("does not count what lies before the first time it is known as missed", async () => {
    const broker = await openBroker();
    await startScheduler(broker, [create("0 * * * *", { missed: "all" })]);
    expect(await ticksOf(broker)).toEqual([]);
  });

  it("notices within a minute that the machine has slept", async () => {
    const broker = await openBroker();
    await startScheduler(broker, [create("0 0 * * *")]);
    vi.setSystemTime(start + 24 * 60 * minuteMs);
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(await ticksOf(broker)).toEqual(["00:00"]);
  });

  it("stores no tick again when the clock is put back", async () => {
    const broker = await openBroker();
    await startScheduler(broker, [create("* * * * *")]);
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    vi.setSystemTime(start);
    await vi.advanceTimersByTimeAsync(3 * minuteMs);
    expect(await ticksOf(broker)).toEqual(["12:01", "12:02", "12:03"]);
  });

  it("waits for a tick that is years away", async () => {
    const broker = await openBroker();
    await startScheduler(broker, [create("0 0 29 2 *")]);
    await vi.advanceTimersByTimeAsync(5 * minuteMs);
    expect(await ticksOf(broker)).toEqual([]);
    expect(vi.getTimerCount()).toBe(1);
  });

  it("stores a tick on time when the broker is back within a minute, and tells of its absence once", async () => {
    const broker = await openBroker();
    let isAway = true;
    let calls = 0;
    const away = rigged(broker, "tick", async (go) => {
      calls++;
      if (isAway) throw new StoreError("not_stored", "The broker is away.");
      return go();
    });
    const errors: unknown[] = [];
    const both = [create("* * * * *", { missed: "skip" }), create("* * * * *", { missed: "skip" }, "other")];
    await startScheduler(away, both, (error) => errors.push(error));
    await vi.advanceTimersByTimeAsync(80_000);
    expect(calls).toBeGreaterThan(20);
    isAway = false;
    await vi.advanceTimersByTimeAsync(6_000);
    expect([await ticksOf(broker), await ticksOf(broker, "other")]).toEqual([["12:01"], ["12:01"]]);
    expect(errors).toMatchObject([{ code: "not_stored" }]);

    isAway = true;
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(errors).toHaveLength(2);
  });

  it.each([
    ["skip", ["12:04"]],
    ["once", ["12:04"]],
    ["all", ["12:01", "12:02", "12:03", "12:04"]],
  ] as const)("treats what the broker was away for by the policy %s", async (missed, expected) => {
    const broker = await openBroker();
    let isAway = true;
    const away = rigged(broker, "tick", async (go) => {
      if (isAway) throw new StoreError("not_stored", "The broker is away.");
      return go();
    });
    await startScheduler(away, [create("* * * * *", { missed })], () => {});
    await vi.advanceTimersByTimeAsync(3.6 * minuteMs);
    isAway = false;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await ticksOf(broker)).toEqual(expected);
  });

  it("hands a tick over again whose answer was lost, and the broker stores it once", async () => {
    const broker = await openBroker();
    let calls = 0;
    const lossy = rigged(broker, "tick", async (go) => {
      const stored = await go();
      if (++calls === 1) throw new StoreError("maybe_stored", "The answer was lost.");
      return stored;
    });
    const errors: unknown[] = [];
    await startScheduler(lossy, [create("* * * * *")], (error) => errors.push(error));
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(calls).toBe(2);
    expect(await ticksOf(broker)).toEqual(["12:01"]);
    expect(errors).toMatchObject([{ code: "maybe_stored" }]);
  });

  it("starts while the broker is away, and makes its schedules known when it is back", async () => {
    const broker = await openBroker();
    let calls = 0;
    const away = rigged(broker, "putSchedule", async (go) => {
      if (++calls < 5) throw new StoreError("not_stored", "The broker is away.");
      return go();
    });
    const errors: unknown[] = [];
    await startScheduler(away, [create("* * * * *")], (error) => errors.push(error));
    expect(await broker.schedules()).toEqual([]);
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(await ticksOf(broker)).toEqual(["12:01"]);
    expect(errors).toHaveLength(1);
  });

  it("lets no schedule wait for another that is in trouble", async () => {
    const broker = await openBroker();
    let key = "a key";
    const odd = task("scheduler.odd", { uniqueKey: () => key }, async () => {});
    const errors: unknown[] = [];
    const schedules = [new Schedule("odd", "* * * * *", odd, []), create("* * * * *")];
    await startScheduler(broker, schedules, (error) => {
      errors.push(error);
      throw new Error("The listener has trouble, too.");
    });
    key = "";
    await vi.advanceTimersByTimeAsync(3 * minuteMs);
    expect(await ticksOf(broker)).toEqual(["12:01", "12:02", "12:03"]);
    expect(errors).toMatchObject([{ code: "invalid_declaration" }]);
    key = "a key";
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await ticksOf(broker, "odd")).toEqual(["12:03"]);
  });

  it("keeps the last tick of a schedule whose time is changed", async () => {
    const broker = await openBroker();
    const first = await startScheduler(broker, [create("* * * * *")]);
    await vi.advanceTimersByTimeAsync(minuteMs);
    await first.close();
    await startScheduler(broker, [create("30 12 * * *", { timezone: "Europe/Berlin", missed: "all" })]);
    expect(await broker.schedules()).toMatchObject([
      { name: "s", cron: "30 12 * * *", timezone: "Europe/Berlin", lastTickAt: Date.UTC(2026, 0, 1, 12, 1) },
    ]);
    expect(await ticksOf(broker)).toEqual(["12:01"]);
  });

  it("stores nothing of a schedule that is paused, and does not make up for it", async () => {
    const broker = await openBroker();
    await startScheduler(broker, [create("* * * * *", { missed: "all" })]);
    await broker.pauseSchedule({ name: "s", isPaused: true });
    await vi.advanceTimersByTimeAsync(2 * minuteMs);
    await broker.pauseSchedule({ name: "s", isPaused: false });
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(await ticksOf(broker)).toEqual(["12:03"]);
  });

  it("takes a schedule while it runs, also during a pass", async () => {
    const broker = await openBroker();
    const scheduler = await startScheduler(broker, []);
    expect(vi.getTimerCount()).toBe(0);
    scheduler.add(create("* * * * *", {}, "one"));
    scheduler.add(create("* * * * *", {}, "two"));
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect([await ticksOf(broker, "one"), await ticksOf(broker, "two")]).toEqual([["12:01"], ["12:01"]]);
  });

  it("waits at its close for the tick that is under way, and does nothing more", async () => {
    const broker = await openBroker();
    const gate = Promise.withResolvers<void>();
    const slow = rigged(broker, "tick", async (go) => {
      await gate.promise;
      return go();
    });
    const scheduler = await startScheduler(slow, [create("* * * * *")]);
    await vi.advanceTimersByTimeAsync(minuteMs);
    let isClosed = false;
    const closing = scheduler.close().then(() => (isClosed = true));
    await vi.advanceTimersByTimeAsync(0);
    expect(isClosed).toBe(false);
    gate.resolve();
    await closing;
    expect(vi.getTimerCount()).toBe(0);
    scheduler.add(create("* * * * *", {}, "late"));
    await vi.advanceTimersByTimeAsync(5 * minuteMs);
    expect(await ticksOf(broker)).toEqual(["12:01"]);
    expect(await broker.schedules()).toHaveLength(1);
  });

  it("refuses a broker that has no schedules, or lacks what the task asks for", async () => {
    const broker = await openBroker();
    const without = (lacking: string): Broker =>
      new Proxy(broker, {
        get: (target, key) =>
          key === "supports"
            ? new Set([...target.supports].filter((ability) => ability !== lacking))
            : Reflect.get(target, key, target),
      });
    await expect(startScheduler(without("schedule"), [create("@daily")])).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining(
        'Schedule "s" needs the ability "schedule", which the broker memory does not have.',
      ),
    });
    const urgent = new Schedule("urgent", "@daily", report.with({ priority: 9 }), []);
    await expect(startScheduler(without("priority"), [urgent])).rejects.toMatchObject({ code: "unsupported" });
    const scheduler = await startScheduler(without("schedule"), []);
    expect(() => scheduler.add(create("@daily"))).toThrow('needs the ability "schedule"');
  });
});
