import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextTick } from "./cron.ts";
import { dueTicks } from "./due-ticks.ts";
import type { ScheduleOptions } from "./schedule.ts";

type Missed = NonNullable<ScheduleOptions["missed"]>;
const minuteMs = 60_000;

function due(cron: string, missed: Missed, sinceMs: number, nowMs: number, timezone = "UTC"): readonly number[] {
  return dueTicks({ schedule: { cron, timezone, missed }, sinceMs, nowMs }).ticks;
}

const day = (date: number, hour = 3): number => Date.UTC(2026, 0, date, hour);

describe("the ticks that are due", () => {
  it.each<[Missed, number[]]>([
    ["skip", []],
    ["once", [day(3)]],
    ["all", [day(1), day(2), day(3)]],
  ])("are what the policy %s makes of those that were missed", (missed, expected) => {
    expect(due("0 3 * * *", missed, day(1, 0), day(3, 12))).toEqual(expected);
  });

  it.each<[Missed, number[]]>([
    ["skip", [day(3)]],
    ["once", [day(3)]],
    ["all", [day(1), day(2), day(3)]],
  ])("are with the policy %s what the newest is on time with", (missed, expected) => {
    expect(due("0 3 * * *", missed, day(1, 0), day(3) + minuteMs)).toEqual(expected);
  });

  it.each<[Missed]>([["skip"], ["once"], ["all"]])(
    "begin after the start of the stretch, with the policy %s",
    (missed) => {
      expect(due("0 3 * * *", missed, day(1), day(1) + 1)).toEqual([]);
      expect(due("0 3 * * *", missed, day(1) - 1, day(1))).toEqual([day(1)]);
    },
  );

  it("are the newest thousand of very many, and found soon", () => {
    const now = Date.UTC(2026, 0, 1);
    const ticks = due("* * * * * *", "all", now - 365 * 86_400_000, now);
    expect(ticks).toEqual(Array.from({ length: 1_000 }, (_, index) => now - (999 - index) * 1_000));
  });

  const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca");
  const cron = fc.constantFrom(
    "* * * * *",
    "*/7 3-5 * * 1-5",
    "0 0 1 * *",
    "30 2 * * *",
    "15,45 1-2 * * *",
    "0 * * * *",
  );
  const start = fc.constantFrom(Date.UTC(2026, 2, 28, 20), Date.UTC(2026, 9, 24, 20), Date.UTC(2026, 10, 1, 2));
  // Together less than the thousand minutes that are made up for.
  const steps = fc.array(fc.integer({ min: 1, max: 160 * minuteMs }), { minLength: 1, maxLength: 6 });

  it("are all that a cron expression has, where all are wanted", () => {
    fc.assert(
      fc.property(cron, zone, start, fc.integer({ min: 0, max: 900 * minuteMs }), (cron, timezone, from, length) => {
        const expected: number[] = [];
        const to = from + length;
        for (let at = nextTick(cron, timezone, from)!; at <= to; at = nextTick(cron, timezone, at)!) expected.push(at);
        expect(due(cron, "all", from, to, timezone)).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it("come in no two of the stretches that adjoin, by whatever policy", () => {
    fc.assert(
      fc.property(
        cron,
        zone,
        start,
        steps,
        fc.constantFrom<Missed>("skip", "once", "all"),
        (cron, timezone, from, steps, missed) => {
          const found: number[] = [];
          let [sinceMs, nowMs] = [from, from];
          for (const step of steps) {
            const stretch = { schedule: { cron, timezone, missed }, nowMs: nowMs + step };
            const { ticks, decidedAt } = dueTicks({ ...stretch, sinceMs });
            // What was decided last is as good a start as the end of the last stretch.
            expect(dueTicks({ ...stretch, sinceMs: nowMs }).ticks).toEqual(ticks);
            found.push(...ticks);
            sinceMs = decidedAt;
            nowMs += step;
          }
          expect(found).toEqual([...new Set(found)].toSorted((one, other) => one - other));
          if (missed === "all") expect(found).toEqual(due(cron, "all", from, nowMs, timezone));
        },
      ),
      { numRuns: 40 },
    );
  });
});
