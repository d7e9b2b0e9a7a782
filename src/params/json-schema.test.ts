import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { inputJsonSchema, resolveReference } from "./json-schema.ts";

describe("the JSON Schema of what a schema takes", () => {
  test("comes from zod, arktype and wrapped valibot schemas", () => {
    expect(inputJsonSchema(z.number())).toMatchObject({ type: "number" });
    expect(inputJsonSchema(type("number"))).toMatchObject({ type: "number" });
    expect(inputJsonSchema(toStandardJsonSchema(v.number()))).toMatchObject({ type: "number" });
  });

  test("is unknown for a library that does not offer it", () => {
    expect(inputJsonSchema(v.number())).toBeUndefined();
  });

  test("is unknown when asking for it throws", () => {
    const schema = {
      "~standard": {
        version: 1 as const,
        vendor: "none",
        validate: (value: unknown) => ({ value }),
        jsonSchema: {
          input: () => {
            throw new Error("no");
          },
          output: () => ({}),
        },
      },
    };
    expect(inputJsonSchema(schema)).toBeUndefined();
  });

  test("keeps the other fields of an object of which one is a date", () => {
    const wanted = { properties: { n: { type: "number" }, at: {} } };
    expect(inputJsonSchema(z.object({ n: z.number(), at: z.date() }))).toMatchObject(wanted);
    expect(inputJsonSchema(type({ n: "number", at: "Date" }))).toMatchObject(wanted);
    expect(inputJsonSchema(toStandardJsonSchema(v.object({ n: v.number(), at: v.date() })))).toMatchObject(wanted);
  });

  test("does not take undefined for anything at all", () => {
    expect(inputJsonSchema(type("number | undefined"))).toMatchObject({ anyOf: [{ type: "number" }, { not: {} }] });
    expect(inputJsonSchema(z.union([z.number(), z.undefined()]))).toMatchObject({
      anyOf: [{ type: "number" }, { not: {} }],
    });
  });
});

describe("a local reference", () => {
  const root = { $defs: { "a/b~c": { type: "number" }, é: { type: "boolean" }, list: [1] } };

  test("is followed by its JSON pointer", () => {
    expect(resolveReference(root, "#")).toBe(root);
    expect(resolveReference(root, "#/$defs/a~1b~0c")).toBe(root.$defs["a/b~c"]);
    expect(resolveReference(root, "#/%24defs/%C3%A9")).toBe(root.$defs["é"]);
  });

  test("to nowhere, to elsewhere or to what is no schema fits everything", () => {
    for (const reference of [
      "#/$defs/x",
      "#/$defs/__proto__",
      "#/$defs/list",
      "#/%",
      "other.json#/a",
      "",
      5,
      undefined,
    ])
      expect(resolveReference(root, reference)).toBe(true);
  });
});
