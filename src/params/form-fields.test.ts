import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { planFormFields } from "./form-fields.ts";
import { inputJsonSchema } from "./json-schema.ts";

function coerce(schema: StandardSchemaV1, name: string, ...texts: string[]): unknown {
  return planFormFields(inputJsonSchema(schema)).of(name).list(texts);
}

describe("a form's fields", () => {
  test.each([
    ["zod", z.object({ n: z.number(), on: z.boolean().optional(), ids: z.array(z.int()), s: z.string() })],
    ["arktype", type({ n: "number", "on?": "boolean", ids: "number.integer[]", s: "string" })],
    [
      "valibot",
      toStandardJsonSchema(
        v.object({ n: v.number(), on: v.optional(v.boolean()), ids: v.array(v.number()), s: v.string() }),
      ),
    ],
  ])("become what their properties are with %s", (_name, schema) => {
    expect(coerce(schema, "n", "1.5")).toBe(1.5);
    expect(coerce(schema, "on", "on")).toBe(true);
    expect(coerce(schema, "ids", "1")).toEqual([1]);
    expect(coerce(schema, "ids", "1", "2")).toEqual([1, 2]);
    expect(coerce(schema, "s", "1")).toBe("1");
    expect(coerce(schema, "other", "1", "2")).toBe("2");
  });

  test("are found in all parts of a schema", () => {
    const both = z.object({ a: z.number() }).and(z.record(z.string(), z.unknown()).and(z.object({ b: z.boolean() })));
    expect([coerce(both, "a", "1"), coerce(both, "b", "1")]).toEqual([1, true]);
    const either = z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("x"), n: z.number(), m: z.number() }),
      z.object({ kind: z.literal("y"), n: z.string() }),
    ]);
    expect([coerce(either, "kind", "x"), coerce(either, "n", "1"), coerce(either, "m", "1")]).toEqual(["x", "1", 1]);
    const named = z.object({ n: z.number().meta({ id: "N" }) }).meta({ id: "Whole" });
    expect(coerce(named, "n", "1")).toBe(1);
    expect(coerce(z.record(z.string(), z.number()), "anything", "1")).toBe(1);
    expect(coerce(z.object({ a: z.string() }).catchall(z.boolean()), "b", "on")).toBe(true);
  });

  test("stay text where nothing is known", () => {
    for (const schema of [z.any(), z.date(), v.object({ a: v.number() }), z.looseObject({})])
      expect(coerce(schema, "a", "1")).toBe("1");
  });

  test("of a schema that contains itself are planned", () => {
    const Tree = z.object({
      n: z.number(),
      get more() {
        return Tree.optional();
      },
    });
    expect(coerce(Tree, "n", "1")).toBe(1);
    expect(
      planFormFields({ allOf: [{ $ref: "#" }], properties: { a: { type: "number" } } })
        .of("a")
        .list(["1"]),
    ).toBe(1);
  });

  test("may be called like what every object has", () => {
    expect(coerce(z.object({ a: z.number() }), "__proto__", "1")).toBe("1");
    expect(coerce(z.object({ a: z.number() }), "toString", "1")).toBe("1");
  });
});
