import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatIsoTime, formatNaiveIsoTime, parseIsoTime } from "./iso-time.ts";

describe("an instant", () => {
  it.each([
    ["2026-11-24T03:48:46.295258+00:00", "2026-11-24T03:48:46.295Z"],
    ["2026-11-24T03:48:46.295258", "2026-11-24T03:48:46.295Z"],
    ["2026-11-24T03:48:46Z", "2026-11-24T03:48:46.000Z"],
    ["2026-11-24T03:48:46.1Z", "2026-11-24T03:48:46.100Z"],
    ["2026-11-24 03:48:46.123Z", "2026-11-24T03:48:46.123Z"],
    ["2026-11-24T03:48", "2026-11-24T03:48:00.000Z"],
    ["2026-11-24", "2026-11-24T00:00:00.000Z"],
    ["2026-11-24T03:48:46+05:30", "2026-11-23T22:18:46.000Z"],
    ["2026-11-24T03:48:46-0100", "2026-11-24T04:48:46.000Z"],
    ["0001-01-01T00:00:00", "0001-01-01T00:00:00.000Z"],
  ])("is read as Python writes it: %s", (text, iso) => {
    expect(parseIsoTime(text)).toBe(Date.parse(iso));
  });

  it.each([
    "",
    "now",
    "2026-02-30",
    "2026-13-01",
    "2026-11-24T24:00:00",
    "2026-11-24T03:60:00",
    "20261124",
    "1e9",
    "2026-11-24T",
  ])("is refused when there is no such: %j", (text) => {
    expect(parseIsoTime(text)).toBe(undefined);
  });

  it("is written with six digits, which Celery 5.2 takes for microseconds", () => {
    expect(formatIsoTime(1.9)).toBe("1970-01-01T00:00:00.001000+00:00");
    expect(formatNaiveIsoTime(1_000)).toBe("1970-01-01T00:00:01.000000");
  });

  it("comes back the same, and never beyond the years that Python knows", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
        (date) => {
          expect(parseIsoTime(formatIsoTime(date.getTime()))).toBe(date.getTime());
        },
      ),
    );
    expect(formatIsoTime(1e300)).toMatch(/^9999-/);
    expect(formatIsoTime(-1e300)).toMatch(/^0001-/);
  });
});
