import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "./json-text.ts";

function parse(text: string | Uint8Array, isSecret = false) {
  return parseJson(typeof text === "string" ? new TextEncoder().encode(text) : text, isSecret);
}

describe("JSON", () => {
  test("of any kind is parsed", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes("__proto__") && !text.includes("constructor"));
        expect(parse(text)).toEqual({ value: JSON.parse(text) as unknown });
      }),
    );
  });

  test("may begin with a byte order mark", () => {
    expect(parse("\ufeff[1]")).toEqual({ value: [1] });
  });

  test("that is malformed is a problem that says what and where", () => {
    expect(parse('{"a": 1,\n "b" 2}')).toEqual({
      problem: {
        type: "json_invalid",
        loc: ["body"],
        msg: 'Invalid JSON: expected ":" at line 2, column 6.',
        input: '{"a": 1,\n "b" 2}',
      },
    });
  });

  test("that is not UTF-8 is a problem", () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc3, 0x22],
      [0xff, 0xfe, 0x31, 0x00],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ])
      expect(parse(new Uint8Array(bytes))).toEqual({
        problem: { type: "json_invalid", loc: ["body"], msg: "Invalid JSON: the body is not UTF-8." },
      });
  });

  test("that is secret is not repeated", () => {
    const { problem } = parse('{"password": "hunter2', true) as { problem: object };
    expect(problem).not.toHaveProperty("input");
    expect(JSON.stringify(problem)).not.toContain("hunter2");
  });
});

describe("a key that reaches a prototype", () => {
  test.each([
    ['{"__proto__": {"isAdmin": true}}', "__proto__"],
    ['{"a": [{}, {"b": {"__proto__": 1}}]}', "a.1.b.__proto__"],
    ['{"\\u005f_proto\\u005F_": {}}', "__proto__"],
    ['{"\\u005f\\u005f\\u0070\\u0072\\u006f\\u0074\\u006f\\u005f\\u005f": null}', "__proto__"],
    ['{"constructor": {"prototype": {"isAdmin": true}}}', "constructor"],
    ['{"a": {"c\\u006fnstructor": {"pr\\u006ftotype": 1}}}', "a.constructor"],
    ['[{"__proto__" : 1}]', "0.__proto__"],
  ])("is refused and named: %s", (text, key) => {
    expect(parse(text)).toMatchObject({
      problem: { type: "json_invalid", loc: ["body"], msg: `Invalid JSON: the key "${key}" is not allowed.` },
    });
  });

  test.each([
    '{"constructor": "Ferrari"}',
    '{"constructor": {"name": "Ferrari"}, "prototype": {}}',
    '{"note": "__proto__", "list": ["constructor", "\\u005f"]}',
    '"__proto__"',
    "null",
    '{"_proto_": 1, "__proto": 2}',
    '{"caf\\u00e9": "\\u00e9"}',
  ])("is not seen where there is none: %s", (text) => {
    expect(parse(text)).toEqual({ value: JSON.parse(text) as unknown });
  });

  test("is looked for at any depth", () => {
    const depth = 50_000;
    const text = `${'{"a":'.repeat(depth)}{"__proto__":1}${"}".repeat(depth)}`;
    const { problem } = parse(text) as { problem: { msg: string } };
    expect(problem.msg).toMatch(/^Invalid JSON: the key "[a.]*\.__proto__" is not allowed\.$/);
    expect(problem.msg.length).toBeLessThan(200);
  });
});
