import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePythonJson, stringifyJson, toJsonValue, type JsonValue } from "./json.ts";
import { decodeTypedValues } from "./typed-value.ts";
import { reasonOf } from "./reason-of.fixture.ts";

describe("JSON of Python", () => {
  it.each([
    ["NaN", null],
    ["[NaN, Infinity, -Infinity, -1]", [null, null, null, -1]],
    ['{"NaN": NaN, "-Infinity": "Infinity, NaN"}', { NaN: null, "-Infinity": "Infinity, NaN" }],
    [String.raw`["\"NaN", NaN, "\\", Infinity]`, ['"NaN', null, "\\", null]],
    ["[1e400, -1e400]", [null, null]],
    ["1180591620717411303424", 2 ** 70],
  ])("is read with null for what JSON cannot say: %s", (text, value) => {
    expect(parsePythonJson(text, "It")).toEqual(value);
  });

  it.each(["", "[NaN", '"NaN', "Infinite", "nan", "[1,]", '{"a": NaN', "-", "-Infinity5", "\u0000"])(
    "is refused where it is none: %j",
    (text) => {
      expect(reasonOf(() => parsePythonJson(text, "It"))).toBe("invalid_json");
    },
  );

  it("is refused when it is nested without end", () => {
    const nested = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    expect(reasonOf(() => parsePythonJson(nested(300), "It"))).toBe("none");
    expect(reasonOf(() => parsePythonJson(nested(301), "It"))).toBe("too_deep");
    expect(reasonOf(() => parsePythonJson(nested(1_000_000), "It"))).toBe("too_deep");
  });

  it("is any text, or refused", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'[]{},:-"\\ 1aINnfity') }), (text) => {
        expect(["none", "invalid_json", "too_deep"]).toContain(reasonOf(() => parsePythonJson(text, "It")));
      }),
    );
  });

  it("is what JSON.parse reads, where that reads it", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        // A copy has no -0 and no number beyond a double.
        expect(parsePythonJson(text, "It")).toEqual(JSON.parse(text));
      }),
    );
  });

  it("keeps a key named __proto__ a key", () => {
    const value = parsePythonJson('{"__proto__": {"polluted": true}}', "It");
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect((value as { polluted?: true }).polluted).toBe(undefined);
  });
});

describe("JSON of ours", () => {
  it("is strict", () => {
    expect(() => stringifyJson([Number.NaN])).toThrow(new TypeError("JSON cannot say NaN."));
    expect(() => stringifyJson({ a: Infinity })).toThrow(TypeError);
    expect(() => stringifyJson({ a: (() => 1) as unknown as JsonValue })).toThrow(TypeError);
    expect(() => stringifyJson({ a: 1n as unknown as JsonValue })).toThrow(TypeError);
    const circle: JsonValue[] = [];
    circle.push({ circle });
    expect(() => stringifyJson(circle)).toThrow(TypeError);
  });

  it("comes back the same", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parsePythonJson(stringifyJson(value as JsonValue), "It")).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("a value of an AMQP table", () => {
  it("becomes the nearest that JSON can say", () => {
    const table = { at: new Date(0), never: new Date(Number.NaN), bytes: Buffer.from("hi"), big: 5n, none: undefined };
    expect(toJsonValue(table, "It")).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      never: null,
      bytes: "aGk=",
      big: 5,
      none: null,
    });
  });
});

describe("a typed value", () => {
  const typed = (type: string, value: JsonValue) => ({ ["__type__"]: type, ["__value__"]: value });

  it.each([
    ["datetime", "2026-11-24T03:48:46.295258+00:00", "2026-11-24T03:48:46.295258+00:00"],
    ["date", "2026-11-24", "2026-11-24"],
    ["time", "03:48:46", "03:48:46"],
    ["decimal", "1.10", "1.10"],
    ["bytes", "hi", "hi"],
    ["base64", "/w==", "/w=="],
    ["uuid", { hex: "0190163d8694739bb9b1c8b5f5b6d6e0", version: 7 }, "0190163d-8694-739b-b9b1-c8b5f5b6d6e0"],
  ])("becomes a string: %s", (type, value, text) => {
    expect(decodeTypedValues(["x", { a: typed(type, value) }])).toEqual(["x", { a: text }]);
  });

  it.each([
    typed("mine", { a: 1 }),
    typed("datetime", 5),
    typed("uuid", { hex: "short" }),
    { ["__type__"]: "date" },
    { ...typed("date", "2026-11-24"), more: 1 },
  ])("stays as it is when it is none that kombu knows: %j", (value) => {
    expect(decodeTypedValues(value)).toEqual(value);
  });
});
