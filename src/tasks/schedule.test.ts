import * as fc from "fast-check";
import * as z from "zod";
import { describe, expect, it } from "vitest";
import { task } from "afterword";
import { Schedule, type ScheduleOptions } from "./schedule.ts";

const report = task("schedule.report", async (_kind: string) => {});

function create(cron: string, options: ScheduleOptions = {}): Schedule {
  return new Schedule("s", cron, report, ["daily"], options);
}

/** The ticks of a schedule in a stretch of time. */
function ticksOf(schedule: Schedule, from: string, to: string): string[] {
  const ticks: string[] = [];
  for (let at = schedule.next(Date.parse(from)); at !== undefined && at <= Date.parse(to); at = schedule.next(at))
    ticks.push(new Date(at).toISOString());
  return ticks;
}

function localDay(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(at);
}

const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"];

describe("a schedule", () => {
  it("moves a time that does not exist to the next moment, and takes one that comes twice the first time", () => {
    const nightly = create("30 2 * * *", { timezone: "Europe/Berlin" });
    expect(ticksOf(nightly, "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z")).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
    expect(ticksOf(nightly, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z")).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  it("is due each real hour when clocks change", () => {
    const hourly = create("0 * * * *", { timezone: "Europe/Berlin" });
    expect(ticksOf(hourly, "2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z")).toHaveLength(48);
    expect(ticksOf(hourly, "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z")).toHaveLength(48);
  });

  it.each(zones)("is due once each local day in %s, through whole years", (timezone) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 2024, max: 2030 }),
        (hour, minute, year) => {
          const daily = create(`${minute} ${hour} * * *`, { timezone });
          let at = Date.UTC(year, 0, 1);
          const days: string[] = [];
          for (let count = 0; count < 366; count++) days.push(localDay((at = daily.next(at)!), timezone));
          expect(new Set(days).size).toBe(366);
        },
      ),
      { numRuns: 8 },
    );
  });

  it("ascends, and gives no tick twice for stretches that adjoin", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("* * * * *", "*/7 3-5 * * 1-5", "0 0 1 * *", "30 2 * * *"),
        fc.constantFrom(...zones),
        fc.array(fc.integer({ min: 1, max: 3_000_000 }), { minLength: 2, maxLength: 20 }),
        (cron, timezone, steps) => {
          const schedule = create(cron, { timezone, missed: "all" });
          const from = Date.UTC(2026, 9, 24, 22);
          let since = from;
          const found: number[] = [];
          for (const step of steps) {
            found.push(...schedule.due(since, since + step));
            since += step;
          }
          expect(found).toEqual(schedule.due(from, since));
          expect(found).toEqual([...new Set(found)].toSorted((a, b) => a - b));
        },
      ),
    );
  });

  it.each([
    ["skip", []],
    ["once", ["2026-01-03T03:00:00.000Z"]],
    ["all", ["2026-01-01T03:00:00.000Z", "2026-01-02T03:00:00.000Z", "2026-01-03T03:00:00.000Z"]],
  ] as const)("treats what was missed by the policy %s", (missed, expected) => {
    const due = create("0 3 * * *", { missed }).due(Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 3, 12));
    expect(due.map((at) => new Date(at).toISOString())).toEqual(expected);
  });

  it("is on time within a minute, whatever the policy", () => {
    const at = Date.UTC(2026, 0, 2, 3);
    expect(create("0 3 * * *", { missed: "skip" }).due(Date.UTC(2026, 0, 2), at + 59_000)).toEqual([at]);
  });

  it("stores no more than a thousand that were missed", () => {
    const due = create("* * * * *", { missed: "all" }).due(Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 4));
    expect(due).toHaveLength(1_000);
    expect(due.at(-1)).toBe(Date.UTC(2026, 0, 4));
  });

  it("makes jobs that say which tick of which schedule they are", () => {
    const job = create("0 3 * * *").toJob(Date.UTC(2026, 0, 2, 3));
    expect(job).toMatchObject({
      task: "schedule.report",
      args: '["daily"]',
      meta: { schedule: "s", tick: "2026-01-02T03:00:00.000Z" },
    });
  });

  it.each<[string, () => unknown, string]>([
    [
      "a minute that does not exist",
      () => create("99 * * * *"),
      'must be a cron expression of minute, hour, day of month, month and day of week, such as "0 3 * * *"',
    ],
    ["words", () => create("every day"), "every day"],
    ["nothing", () => create(""), "must be a cron expression"],
    ["a day that never comes", () => create("0 0 31 2 *"), "names a time that never comes"],
    [
      "a time zone that does not exist",
      () => create("0 3 * * *", { timezone: "Mars/Olympus" }),
      'timezone must be the name of a time zone, such as "Europe/Berlin"',
    ],
    [
      "an unknown policy",
      () => create("0 3 * * *", { missed: "maybe" as never }),
      'missed must be "skip", "once" or "all"',
    ],
    [
      "an unknown option",
      () => create("0 3 * * *", { zone: "UTC" } as never),
      'knows the options timezone and missed, but got "zone"',
    ],
    [
      "a plain function",
      () => new Schedule("s", "0 3 * * *", (() => {}) as never, [], {}),
      "needs a task that was made by task()",
    ],
    [
      "arguments that are no array",
      () => new Schedule("s", "0 3 * * *", report, "daily" as never, {}),
      "must be an array",
    ],
    ["arguments that are no JSON", () => new Schedule("s", "0 3 * * *", report, [new Date()], {}), "is a Date"],
    [
      "arguments that do not fit the schema",
      () =>
        new Schedule(
          "s",
          "0 3 * * *",
          task("schedule.checked", { args: z.tuple([z.number()]) }, async (_n: number) => {}),
          ["x"],
          {},
        ),
      "do not fit its schema",
    ],
  ])("refuses %s where it is defined", (_, make, message) => {
    expect(make).toThrow(message);
  });
});
