import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lastTick, nextTick } from "./cron.ts";
import { clockChanges, toLocalTime, type LocalTime } from "./local-time.fixture.ts";

const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"];
const minuteMs = 60_000;
const dayMs = 86_400_000;

/** The ticks after one instant, up to and with another. */
function ticksOf(cron: string, timezone: string, from: number, to: number): number[] {
  const ticks: number[] = [];
  for (let at = nextTick(cron, timezone, from); at !== undefined && at <= to; at = nextTick(cron, timezone, at))
    ticks.push(at);
  return ticks;
}

function iso(ticks: readonly number[]): string {
  return ticks.map((at) => new Date(at).toISOString()).join(" ");
}

function isoTicks(cron: string, timezone: string, from: string, to: string): string[] {
  return ticksOf(cron, timezone, Date.parse(from), Date.parse(to)).map((at) => new Date(at).toISOString());
}

/** A field of a cron expression, and what it stands for. */
interface Field {
  readonly text: string;
  readonly values: ReadonlySet<number>;
  readonly isRhythm: boolean;
}

/** @param often - numbers up to this one are drawn more often */
function field(max: number, often: number = max): fc.Arbitrary<Field> {
  const all = Array.from({ length: max + 1 }, (_, value) => value);
  const value = fc.oneof(fc.integer({ min: 0, max: often }), fc.integer({ min: 0, max }));
  return fc.oneof(
    fc.constant({ text: "*", values: new Set(all), isRhythm: true }),
    fc.integer({ min: 2, max: Math.min(max, 20) }).map((step) => ({
      text: `*/${step}`,
      values: new Set(all.filter((each) => each % step === 0)),
      isRhythm: true,
    })),
    fc
      .uniqueArray(value, { minLength: 1, maxLength: 3 })
      .map((list) => ({ text: list.join(","), values: new Set(list), isRhythm: false })),
    fc.tuple(value, value).map(([one, other]) => {
      const [from, to] = [Math.min(one, other), Math.max(one, other)];
      return { text: `${from}-${to}`, values: new Set(all.slice(from, to + 1)), isRhythm: false };
    }),
  );
}

const expression = fc.record({
  minute: field(59),
  hour: field(23, 3),
  weekday: fc.oneof(fc.constant({ text: "*", values: new Set([0, 1, 2, 3, 4, 5, 6]), isRhythm: true }), field(6)),
});
type Expression = typeof expression extends fc.Arbitrary<infer T> ? T : never;

const textOf = ({ minute, hour, weekday }: Expression): string => `${minute.text} ${hour.text} * * ${weekday.text}`;

function fits(at: LocalTime, { minute, hour, weekday }: Expression): boolean {
  return minute.values.has(at.minute) && hour.values.has(at.hour) && weekday.values.has(at.weekday);
}

/** The ticks by going through all minutes and looking at the clocks. */
function ticksByLooking(times: Expression, timezone: string, from: number, to: number): number[] {
  const isRhythm = times.minute.isRhythm || times.hour.isRhythm;
  const seen = new Set<number>();
  const ticks = new Set<number>();
  // Three hours are enough to have seen what comes a second time.
  let before = toLocalTime(from - 180 * minuteMs, timezone).asUtc;
  for (let at = from - 179 * minuteMs; at <= to; at += minuteMs) {
    const local = toLocalTime(at, timezone);
    const passed = [local];
    if (!isRhythm)
      for (let skipped = before + minuteMs; skipped < local.asUtc; skipped += minuteMs)
        passed.push(toLocalTime(skipped, "UTC"));
    if (passed.some((each) => fits(each, times) && (isRhythm || !seen.has(each.asUtc)))) ticks.add(at);
    seen.add(local.asUtc);
    before = local.asUtc;
  }
  return [...ticks].filter((at) => at > from);
}

describe("the ticks of a cron expression", () => {
  it.each(zones)("are those that the clocks of %s show, also around the days on which they are changed", (timezone) => {
    const changes = clockChanges(timezone, Date.UTC(2024, 0, 1), Date.UTC(2031, 0, 1));
    const middle = changes.length > 0 ? fc.constantFrom(...changes) : fc.constant(Date.UTC(2026, 2, 29, 1));
    fc.assert(
      fc.property(expression, middle, (times, at) => {
        const [from, to] = [at - dayMs / 2, at + dayMs / 2];
        const ticks = ticksOf(textOf(times), timezone, from, to);
        expect(iso(ticks)).toBe(iso(ticksByLooking(times, timezone, from, to)));
      }),
      { numRuns: 12 },
    );
  });

  it.each(zones)("come once each local day in %s for a time of day, through whole years", (timezone) => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 23 })),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 2024, max: 2030 }),
        (hour, minute, year) => {
          const ticks = ticksOf(`${minute} ${hour} * * *`, timezone, Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1));
          const days = ticks.map((at) => toLocalTime(at, timezone).day);
          const first = Date.parse(days[0]!);
          expect(days).toEqual(days.map((_, index) => new Date(first + index * dayMs).toISOString().slice(0, 10)));
          expect(days.length).toBeGreaterThanOrEqual(364);
        },
      ),
      { numRuns: 3 },
    );
  });

  it("ascend, and are found from behind as from before", () => {
    fc.assert(
      fc.property(
        expression,
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2031, 0, 1) }),
        (times, timezone, after) => {
          const cron = textOf(times);
          const at = nextTick(cron, timezone, after)!;
          expect(at).toBeGreaterThan(after);
          expect(lastTick(cron, timezone, at)).toBe(at);
          expect(lastTick(cron, timezone, at - 1)).toBeLessThanOrEqual(after);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("move a time of day that does not exist to the moment at which the clocks are put forward", () => {
    const [from, to] = ["2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"];
    expect(isoTicks("30 2 * * *", "Europe/Berlin", from, to)).toEqual([
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
    expect(isoTicks("30 2,14 * * *", "Europe/Berlin", from, to)).toEqual([
      "2026-03-28T13:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-29T12:30:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  it("take a time of day that comes twice the first time", () => {
    expect(isoTicks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z")).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });

  it("come each real hour for a rhythm, when clocks change too", () => {
    for (const cron of ["0 * * * *", "@hourly"])
      for (const day of ["2026-03-28", "2026-10-24"]) {
        const from = Date.parse(day);
        expect(ticksOf(cron, "Europe/Berlin", from, from + 2 * dayMs)).toHaveLength(48);
      }
  });

  it.each([
    ["*/15 10-11 3 * * *", ["2026-01-01T03:10:00.000Z", "2026-01-01T03:10:15.000Z", "2026-01-01T03:10:30.000Z"]],
    ["@daily", ["2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z", "2026-01-04T00:00:00.000Z"]],
    ["@Monthly", ["2026-02-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z"]],
    ["0 9 L * *", ["2026-01-31T09:00:00.000Z", "2026-02-28T09:00:00.000Z", "2026-03-31T09:00:00.000Z"]],
    ["0 9 * * MON#1", ["2026-01-05T09:00:00.000Z", "2026-02-02T09:00:00.000Z", "2026-03-02T09:00:00.000Z"]],
    ["0 9 13 * FRI", ["2026-01-02T09:00:00.000Z", "2026-01-09T09:00:00.000Z", "2026-01-13T09:00:00.000Z"]],
    ["0 9 13 * +FRI", ["2026-02-13T09:00:00.000Z", "2026-03-13T09:00:00.000Z", "2026-11-13T09:00:00.000Z"]],
  ])("are known for %s", (cron, expected) => {
    let at = Date.UTC(2026, 0, 1);
    for (const each of expected) expect(new Date((at = nextTick(cron, "UTC", at)!)).toISOString()).toBe(each);
  });

  it("follow an instant that lies within a second", () => {
    const at = Date.UTC(2026, 0, 1, 3);
    expect([at - 1, at, at + 1].map((after) => nextTick("0 3 * * *", "UTC", after))).toEqual([
      at,
      at + dayMs,
      at + dayMs,
    ]);
    expect([at - 1, at, at + 1].map((until) => lastTick("0 3 * * *", "UTC", until))).toEqual([at - dayMs, at, at]);
  });
});
