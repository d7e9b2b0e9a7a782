import { describe, expect, it } from "vitest";
import { mergeHeaders, sharedHeaders } from "./headers.ts";

const defaults = sharedHeaders({ "content-type": "application/json" });

describe("mergeHeaders", () => {
  it("gives the shared object itself when there is nothing to add", () => {
    expect(mergeHeaders(defaults, undefined)).toBe(defaults);
    expect(Object.isFrozen(defaults)).toBe(true);
  });

  it("keeps a record plain, in lower case, and joins names that differ only in case", () => {
    const merged = mergeHeaders(defaults, { "X-A": "1", "x-a": "2", Constructor: "3" });
    expect(merged).not.toBeInstanceOf(Headers);
    expect(merged).toEqual({ "x-a": "1, 2", constructor: "3", "content-type": "application/json" });
  });

  it("keeps every cookie of entries and of Headers", () => {
    const entries: [string, string][] = [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ];
    for (const given of [entries, new Headers(entries)]) {
      const merged = mergeHeaders(defaults, given) as Headers;
      expect(merged.getSetCookie()).toEqual(["a=1", "b=2"]);
      expect(merged.get("content-type")).toBe("application/json");
    }
  });

  it("does not change what it was given", () => {
    const given = new Headers({ "x-a": "1" });
    (mergeHeaders(defaults, given) as Headers).set("x-a", "2");
    expect([...given]).toEqual([["x-a", "1"]]);
  });

  it.each(["a\r\nset-cookie: x=1", "a\nb", "nul\0", "beyond Latin-1: €"])("refuses the value %j", (value) => {
    for (const given of [{ "x-a": value }, [["x-a", value]] as [string, string][]])
      expect(() => mergeHeaders(defaults, given)).toThrow(expect.objectContaining({ code: "invalid_header" }));
  });

  it("refuses a value that is no string, and a name that is none", () => {
    expect(() => mergeHeaders(defaults, { "x-a": undefined as never })).toThrow('Header "x-a" must be a string');
    expect(() => mergeHeaders(defaults, { "x a": "1" })).toThrow("cannot be the name of a header");
    expect(() => mergeHeaders(defaults, { "": "1" })).toThrow("cannot be the name of a header");
  });
});
