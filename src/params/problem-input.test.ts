import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toProblemInput } from "./problem-input.ts";

describe("what came", () => {
  test("is shown as it is when it is short", () => {
    for (const value of ["", "abc", 5, 0, true, null, [], {}, { a: [1, { b: "c" }] }, "x".repeat(200)])
      expect(toProblemInput(value)).toBe(value);
  });

  test("is null when nothing came", () => {
    expect(toProblemInput(undefined)).toBeNull();
  });

  test("is cut at 200 characters when it is long text", () => {
    expect(toProblemInput("x".repeat(201))).toBe("x".repeat(200));
  });

  test("is not cut through the middle of a character", () => {
    expect(toProblemInput(`${"x".repeat(199)}😀`)).toBe("x".repeat(199));
    expect(toProblemInput(`${"x".repeat(198)}😀y`)).toBe(`${"x".repeat(198)}😀`);
  });

  test("is its JSON cut at 200 characters when it is large", () => {
    const value = { items: Array.from({ length: 100 }, (_, index) => ({ index })) };
    expect(toProblemInput(value)).toBe(JSON.stringify(value).slice(0, 200));
  });

  test("is not written out as a whole to be cut", () => {
    let reads = 0;
    const item = Object.defineProperty({}, "a", { enumerable: true, get: () => ++reads });
    toProblemInput(Array.from({ length: 100_000 }, () => item));
    expect(reads).toBeLessThan(200);
  });

  test("may be nested without end", () => {
    const value = JSON.parse("[".repeat(100_000) + "]".repeat(100_000)) as unknown;
    expect(toProblemInput(value)).toBe("[".repeat(200));
  });

  test("is a file's name, type and size", () => {
    expect(toProblemInput(new File(["abc"], "a.txt", { type: "text/plain" }))).toEqual({
      name: "a.txt",
      type: "text/plain",
      size: 3,
    });
    expect(toProblemInput([new File([], "a")])).toHaveLength(1);
  });

  test("is for any JSON value the value itself or the beginning of its JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const input = toProblemInput(value);
        const json = JSON.stringify(value);
        const whole = typeof value === "string" ? value : json;
        const isBeginning = typeof input === "string" && input.length >= 199 && whole.startsWith(input);
        expect(whole.length <= 200 ? input === value : isBeginning).toBe(true);
      }),
    );
  });
});
