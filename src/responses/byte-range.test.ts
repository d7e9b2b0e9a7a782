import { assert, nat, option, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRange } from "./byte-range.ts";

describe("parseRange", () => {
  it.each<[string, ReturnType<typeof parseRange>]>([
    ["bytes=0-0", { start: 0, length: 1 }],
    ["bytes=2-4", { start: 2, length: 3 }],
    ["bytes=7-", { start: 7, length: 3 }],
    ["bytes=-3", { start: 7, length: 3 }],
    ["bytes=-30", { start: 0, length: 10 }],
    ["bytes=8-99999999999999999999", { start: 8, length: 2 }],
    ["Bytes = 1-1 ", { start: 1, length: 1 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=10-20", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=4-2", undefined],
    ["bytes=-", undefined],
    ["bytes=0-1,3-4", undefined],
    ["bytes=a-b", undefined],
    ["bytes=0x1-2", undefined],
    ["items=0-1", undefined],
    ["0-1", undefined],
    ["", undefined],
  ])("reads %j of ten bytes", (header, expected) => {
    expect(parseRange(header, 10)).toEqual(expected);
  });

  it("sends the whole without a header, and an empty file whole or not at all", () => {
    expect(parseRange(null, 10)).toBeUndefined();
    expect(parseRange("bytes=0-", 0)).toBe("unsatisfiable");
    expect(parseRange("bytes=-5", 0)).toBeUndefined();
  });

  it("never leaves the file", () => {
    const digits = option(nat(50).map(String), { nil: "" });
    assert(
      property(digits, digits, nat(40), (from, to, size) => {
        const range = parseRange(`bytes=${from}-${to}`, size);
        if (typeof range !== "object") return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.length).toBeGreaterThan(0);
        expect(range.start + range.length).toBeLessThanOrEqual(size);
      }),
    );
  });
});
