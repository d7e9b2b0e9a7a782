import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as fc from "fast-check";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { planCoercion, toBoolean, toNumber } from "./coercion.ts";
import { inputJsonSchema, type JsonSchema } from "./json-schema.ts";

function coerce(schema: StandardSchemaV1, ...texts: string[]): unknown {
  return coerceJson(inputJsonSchema(schema), ...texts);
}

function coerceJson(schema: JsonSchema | undefined, ...texts: string[]): unknown {
  return planCoercion(schema).list(texts);
}

describe("a number", () => {
  test.each(["0", "-0", "5", "+5", "-12", "007", "1.5", ".5", "-1.25e3", "2E-2", "9007199254740991", "1e300"])(
    "is read from %j",
    (text) => {
      expect(toNumber(text)).toBe(Number(text));
    },
  );

  test.each([
    "",
    " ",
    "\t",
    " 5",
    "5 ",
    "\n5",
    "0x10",
    "0b1",
    "0o7",
    "1e400",
    "-1e999",
    "Infinity",
    "-Infinity",
    "NaN",
    "1_000",
    "1,5",
    "5.",
    ".",
    "-",
    "+",
    "e5",
    "1e",
    "1e5.5",
    "--1",
    "5n",
    "\u0663",
    "\uff15",
    "null",
    "true",
    "[]",
  ])("is not read from %j", (text) => {
    expect(toNumber(text)).toBeUndefined();
  });

  test("is not read where digits would be lost", () => {
    expect(toNumber("9007199254740993")).toBeUndefined();
    expect(toNumber("-12345678901234567890")).toBeUndefined();
    expect(toNumber("9".repeat(100_000))).toBeUndefined();
  });

  test("survives being written out and read again", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const text = String(number);
        const isLong = Number.isInteger(number) && !Number.isSafeInteger(number) && !text.includes("e");
        expect(toNumber(text)).toBe(isLong ? undefined : number === 0 ? 0 : number);
      }),
    );
  });

  test("is read only from what Number() reads too, and is finite", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+.eE0-9x ]{0,12}$/)), (text) => {
        const number = toNumber(text);
        if (number === undefined) return;
        expect(number).toBe(Number(text));
        expect(Number.isFinite(number)).toBe(true);
        expect(text).toBe(text.trim());
      }),
    );
  });
});

describe("a boolean", () => {
  test.each([
    [true, ["1", "true", "TRUE", "on", "On", "yes", "t", "Y"]],
    [false, ["0", "false", "False", "off", "OFF", "no", "f", "N"]],
    [undefined, ["", " ", "2", "01", "yeah", "tru", "true ", "null", "undefined", "no thanks", "ŷ"]],
  ])("is %s for %j", (wanted, texts) => {
    for (const text of texts) expect(toBoolean(text)).toBe(wanted);
  });
});

describe("text becomes what a schema takes", () => {
  const libraries = {
    zod: {
      number: z.number(),
      integer: z.int(),
      boolean: z.boolean(),
      numbers: z.array(z.number()),
      choice: z.literal([1, 2]),
      either: z.union([z.number(), z.boolean()]),
    },
    arktype: {
      number: type("number"),
      integer: type("number.integer"),
      boolean: type("boolean"),
      numbers: type("number[]"),
      choice: type("1 | 2"),
      either: type("number | boolean"),
    },
    valibot: {
      number: toStandardJsonSchema(v.number()),
      integer: toStandardJsonSchema(v.pipe(v.number(), v.integer())),
      boolean: toStandardJsonSchema(v.boolean()),
      numbers: toStandardJsonSchema(v.array(v.number())),
      choice: toStandardJsonSchema(v.picklist([1, 2])),
      either: toStandardJsonSchema(v.union([v.number(), v.boolean()])),
    },
  };

  test.each(Object.entries(libraries))("with %s", (_name, { number, integer, boolean, numbers, choice, either }) => {
    expect(coerce(number, "1.5")).toBe(1.5);
    expect(coerce(integer, "15")).toBe(15);
    expect(coerce(boolean, "on")).toBe(true);
    expect(coerce(numbers, "1", "2.5", "x")).toEqual([1, 2.5, "x"]);
    expect(coerce(numbers, "1")).toEqual([1]);
    expect(coerce(choice, "2")).toBe(2);
    expect(coerce(choice, "3")).toBe("3");
    expect(coerce(either, "1")).toBe(1);
    expect(coerce(either, "true")).toBe(true);
  });

  test("also when it is optional, nullable, has a default or is checked further", () => {
    for (const schema of [
      z.number().optional(),
      z.number().nullable(),
      z.number().default(1),
      z.number().refine(() => true),
      z.number().catch(1),
      z.coerce.number(),
      z.number().and(z.number().min(1)),
    ])
      expect(coerce(schema, "5")).toBe(5);
    expect(coerce(type("number | undefined"), "5")).toBe(5);
    expect(coerce(toStandardJsonSchema(v.nullish(v.number(), 5)), "6")).toBe(6);
  });

  test("but stays text where the schema takes text too", () => {
    for (const schema of [
      z.string(),
      z.email(),
      z.union([z.string(), z.number()]),
      z.any(),
      z.unknown(),
      z.date(),
      z.bigint(),
      z.coerce.date(),
      z.string().transform(Number),
      z.stringbool(),
      type("string | number"),
      type("unknown"),
    ])
      for (const text of ["5", "true", "1", ""]) expect(coerce(schema, text)).toBe(text);
  });

  test("but stays text without a schema and without JSON Schema", () => {
    expect(coerceJson(undefined, "5")).toBe("5");
    expect(coerce(v.number(), "5")).toBe("5");
  });

  test("where the schema takes only some words, which stay as they are", () => {
    const schema = z.union([z.literal("all"), z.literal("1"), z.number()]);
    expect(coerce(schema, "all")).toBe("all");
    expect(coerce(schema, "1")).toBe("1");
    expect(coerce(schema, "25")).toBe(25);
    expect(coerce(schema, "none")).toBe("none");
  });

  test("and what cannot be converted stays text", () => {
    expect(coerce(z.number(), "")).toBe("");
    expect(coerce(z.number(), "ten")).toBe("ten");
    expect(coerce(z.boolean(), "maybe")).toBe("maybe");
    expect(coerce(z.null(), "null")).toBe("null");
    expect(coerce(z.never(), "5")).toBe("5");
    expect(coerce(z.object({ a: z.number() }), '{"a":1}')).toBe('{"a":1}');
  });

  test("of a constant only if it is that constant", () => {
    expect(coerce(z.literal(true), "yes")).toBe(true);
    expect(coerce(z.literal(true), "no")).toBe("no");
    expect(coerceJson({ enum: [2, true] }, "1")).toBe(true);
    expect(coerceJson({ const: 0 }, "-0")).toBe(-0);
    expect(coerceJson({ type: "number", enum: [1, 2] }, "2")).toBe(2);
    expect(coerceJson({ type: "string", enum: [1, "2"] }, "2")).toBe("2");
  });

  test("of a list item by item, of a tuple place by place", () => {
    expect(coerce(z.tuple([z.number(), z.string()]).rest(z.boolean()), "1", "2", "on", "3")).toEqual([
      1,
      "2",
      true,
      "3",
    ]);
    expect(coerce(z.array(z.string()), "1")).toEqual(["1"]);
    expect(coerce(z.array(z.unknown()), "1")).toEqual(["1"]);
    expect(coerce(z.array(z.array(z.number())), "1", "2")).toEqual(["1", "2"]);
    expect(coerceJson({ type: "array" }, "1")).toEqual(["1"]);
  });

  test("of one or many as the values are", () => {
    const schema = z.union([z.number(), z.array(z.number())]);
    expect(coerce(schema, "1")).toBe(1);
    expect(coerce(schema, "1", "2")).toEqual([1, 2]);
    expect(coerce(z.union([z.string(), z.array(z.string())]), "1")).toBe("1");
    expect(coerce(z.union([z.string(), z.array(z.string())]), "1", "2")).toEqual(["1", "2"]);
    expect(coerce(z.union([z.array(z.number()), z.array(z.boolean())]), "1", "on")).toEqual([1, true]);
  });

  test("of the last value where it takes no list", () => {
    expect(coerce(z.number(), "1", "2")).toBe(2);
    expect(planCoercion(inputJsonSchema(z.number())).wantsList).toBe(false);
    expect(planCoercion(inputJsonSchema(z.unknown())).wantsList).toBe(false);
    expect(planCoercion(inputJsonSchema(z.array(z.number()).optional())).wantsList).toBe(true);
  });

  test("through references, also circular ones", () => {
    expect(coerceJson({ $ref: "#/$defs/n", $defs: { n: { $ref: "#/$defs/m" }, m: { type: "integer" } } }, "5")).toBe(5);
    expect(coerceJson({ $ref: "#" }, "5")).toBe("5");
    expect(coerceJson({ anyOf: [{ $ref: "#" }, { type: "number" }] }, "5")).toBe(5);
    expect(
      coerceJson({ type: "array", items: { $ref: "#/$defs/n" }, $defs: { n: { type: "boolean" } } }, "on"),
    ).toEqual([true]);
    expect(coerceJson({ $ref: "https://example.com/schema.json" }, "5")).toBe("5");
    expect(coerce(z.array(z.number().meta({ id: "SomeNumber" })), "5")).toEqual([5]);
    expect(coerce(toStandardJsonSchema(v.lazy(() => v.number())), "5")).toBe(5);
  });
});

test("no JSON Schema makes coercion throw, invent a value or change text that the schema takes", () => {
  const { schema } = fc.letrec<{ schema: JsonSchema }>((tie) => {
    const schemas = fc.array(tie("schema"), { maxLength: 3 });
    const keywords: Record<string, fc.Arbitrary<unknown>> = {
      type: fc.oneof(
        fc.constantFrom("string", "number", "integer", "boolean", "null", "array", "object", "x"),
        fc.constantFrom(["number", "boolean"], ["array", "string"], [], 5),
      ),
      const: fc.constantFrom("a", 1, true, null, "1"),
      enum: fc.constantFrom([1, 2], ["a", 1], [true], [], "x"),
      items: tie("schema"),
      prefixItems: schemas,
      anyOf: schemas,
      oneOf: schemas,
      allOf: schemas,
      not: tie("schema"),
      $ref: fc.constantFrom("#", "#/items", "#/anyOf/0", "#/nowhere", 5),
    };
    return {
      schema: fc.oneof(
        { maxDepth: 3 },
        fc.boolean(),
        fc.record(keywords, { requiredKeys: [] }) as fc.Arbitrary<JsonSchema>,
      ),
    };
  });
  const text = fc.oneof(fc.constantFrom("1", "0", "true", "a", "on", "2.5", ""), fc.string());
  fc.assert(
    fc.property(schema, fc.array(text, { minLength: 1, maxLength: 3 }), (made, texts) => {
      const result = planCoercion(made).list(texts);
      const pairs = Array.isArray(result)
        ? result.map((item, index) => [item, texts[index]] as const)
        : [[result, texts.at(-1)] as const];
      for (const [value, from] of pairs) expect([from, toNumber(from!), toBoolean(from!)]).toContain(value);
      const withText = planCoercion({ anyOf: [made, { type: "string" }] });
      expect(withText.wantsList ? "a list" : withText.list(texts)).toBe(withText.wantsList ? "a list" : texts.at(-1));
    }),
    { numRuns: 500 },
  );
});
