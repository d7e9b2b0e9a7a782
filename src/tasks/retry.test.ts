import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exponential, retryDelayMs } from "./retry.ts";

describe("the wait before another attempt", () => {
  it("doubles from one second to an hour by default", () => {
    const backoff = exponential({ jitter: false });
    expect([1, 2, 3, 4].map((attempt) => retryDelayMs(backoff, attempt, 0))).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(retryDelayMs(backoff, 13, 0)).toBe(3_600_000);
    expect(retryDelayMs(backoff, 5_000, 0)).toBe(3_600_000);
  });

  it("is equal each time with a factor of 1", () => {
    const backoff = exponential({ base: "5s", factor: 1, jitter: false });
    expect([1, 2, 30].map((attempt) => retryDelayMs(backoff, attempt, 0.5))).toEqual([5_000, 5_000, 5_000]);
  });

  it("lies between half of it and all of it with jitter, and is a whole number", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.double({ min: 1, max: 10, noNaN: true }),
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (base, factor, attempt, random) => {
          const full = retryDelayMs(exponential({ base, factor, jitter: false }), attempt, random);
          const jittered = retryDelayMs(exponential({ base, factor }), attempt, random);
          expect(Number.isInteger(jittered)).toBe(true);
          expect(jittered).toBeGreaterThanOrEqual(Math.floor(full / 2));
          expect(jittered).toBeLessThanOrEqual(full);
          expect(full).toBeLessThanOrEqual(3_600_000);
        },
      ),
    );
  });

  it.each([
    [{ factor: 0.5 }, "factor must be a number of 1 or more, but got 0.5"],
    [{ base: "soon" }, 'base must be a number of milliseconds or a string such as "250ms"'],
    [{ jitter: "yes" }, "jitter must be true or false"],
    [{ min: 1 }, 'knows the options base, factor, max and jitter, but got "min"'],
  ])("is refused for %j", (options, message) => {
    expect(() => exponential(options as never)).toThrow(message);
  });
});
