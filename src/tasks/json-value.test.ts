import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argumentsToJson, maxJsonBytes, resultToJson } from "./json-value.ts";

function refusal(...args: unknown[]): string {
  try {
    argumentsToJson(args, "resize");
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was refused");
}

class User {
  readonly name = "Ada";
}

describe("the arguments of a job", () => {
  it("are kept as they are, whatever JSON can say", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ noUnicodeString: false })), (args) => {
        const text = argumentsToJson(args, "any");
        expect(text).toBe(JSON.stringify(args));
      }),
    );
  });

  it("may leave optional ones out, and properties that are undefined", () => {
    expect(argumentsToJson(["a", undefined, undefined], "any")).toBe('["a"]');
    expect(argumentsToJson([undefined], "any")).toBe("[]");
    expect(argumentsToJson([{ a: undefined, b: 1 }], "any")).toBe('[{"b":1}]');
  });

  it.each([
    ["a Date", new Date(0), 'argument 2.user["birth day"] is a Date', "toISOString()"],
    ["a Map", new Map([[1, 2]]), 'argument 2.user["birth day"] is a Map', "[...value]"],
    ["a Set", new Set([1]), "a Set", "[...value]"],
    ["a bigint", 10n, "the bigint 10n", "as a string"],
    ["NaN", Number.NaN, "the number NaN", "null"],
    ["Infinity", Infinity, "the number Infinity", "null"],
    ["an instance of a class", new User(), "a User (User { name: 'Ada' })", "plain object"],
    ["a function", () => 1, "an anonymous function", "data only"],
    ["a symbol", Symbol("x"), "the symbol Symbol(x)", "plain object"],
    ["bytes", new Uint8Array(2), "a Uint8Array", "base64"],
    ["a regular expression", /x/, "a RegExp", "plain object"],
    ["an error", new TypeError("no"), "a TypeError", "plain object"],
    ["an object with toJSON", { toJSON: () => 1 }, "toJSON", "plain object"],
  ])("are refused with the place of %s", (_, value, what, advice) => {
    const message = refusal(1, { user: { "birth day": value } });
    expect(message).toContain('Task "resize"');
    expect(message).toContain(what);
    expect(message).toContain(advice);
  });

  it("are refused for undefined and holes in an array, and undefined before another argument", () => {
    expect(refusal({ list: [1, undefined] })).toContain("argument 1.list[1] is undefined");
    // eslint-disable-next-line no-sparse-arrays
    expect(refusal([1, , 3])).toContain("argument 1[1] is undefined");
    expect(refusal(undefined, 2)).toContain("argument 1 is undefined. Pass null instead.");
  });

  it("are refused when they contain themselves", () => {
    const circle: Record<string, unknown> = {};
    circle.self = { circle };
    expect(refusal(circle)).toContain("contains itself");
    const list: unknown[] = [];
    list.push(list);
    expect(refusal(list)).toContain("contains itself");
  });

  it("are refused when a getter throws, with its error", () => {
    const trap = {
      get boom(): string {
        throw new Error("no such row");
      },
    };
    expect(refusal(trap)).toContain("no such row");
  });

  it("may come from another realm or have no prototype", async () => {
    const { runInNewContext } = await import("node:vm");
    expect(
      argumentsToJson([runInNewContext("({ a: [1] })"), Object.assign(Object.create(null), { b: 2 })], "any"),
    ).toBe('[{"a":[1]},{"b":2}]');
  });

  it("are refused above 256 KiB of UTF-8, and kept at it", () => {
    const full = "x".repeat(maxJsonBytes - 4);
    expect(argumentsToJson([full], "any").length).toBe(maxJsonBytes);
    expect(refusal(`${full}x`)).toMatch(/262145 bytes of JSON, and at most 262144 are stored.*pass its key/);
    expect(refusal("é".repeat(maxJsonBytes / 2))).toContain("bytes of JSON");
  });
});

describe("the result of a job", () => {
  it("is null when the function returned nothing", () => {
    expect(resultToJson(undefined, "any")).toBe("null");
    expect(resultToJson({ a: [1] }, "any")).toBe('{"a":[1]}');
  });

  it("is refused like an argument, with its own words", () => {
    expect(() => resultToJson(new Map(), "any")).toThrow(
      /What task "any" returned cannot be kept as JSON: it is a Map/,
    );
    expect(() => resultToJson({ at: [new Date(0)] }, "any")).toThrow(/it has at result\.at\[0\] a Date/);
    expect(() => resultToJson("x".repeat(maxJsonBytes), "any")).toThrow(/return its key/);
  });
});
