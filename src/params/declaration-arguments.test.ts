import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { DeclarationError } from "../internal/afterword-error.ts";
import { isSchema, readArguments } from "./declaration-arguments.ts";
import { body, file, files, form, header, query } from "./index.ts";
import { namedParameterOptions } from "./parameter-options.ts";

function read(...args: unknown[]): unknown {
  return readArguments("query", args, namedParameterOptions);
}

describe("the arguments of a declaration", () => {
  const schema = z.string();

  test("are a schema, options, both or nothing", () => {
    expect(read()).toEqual({ schema: undefined, options: {} });
    expect(read(undefined)).toEqual({ schema: undefined, options: {} });
    expect(read(schema)).toEqual({ schema, options: {} });
    expect(read({ alias: "q" })).toEqual({ schema: undefined, options: { alias: "q" } });
    expect(read(schema, { alias: "q", deprecated: undefined })).toEqual({
      schema,
      options: { alias: "q", deprecated: undefined },
    });
    expect(read(schema, undefined)).toEqual({ schema, options: {} });
  });

  test("stay readable on the declaration and cannot be changed", () => {
    const options = { alias: "q", description: "What to look for", examples: ["tea"] };
    const declared = query(schema, options);
    expect(declared).toMatchObject({ place: "query", schema, options });
    expect(Object.isFrozen(declared.options)).toBe(true);
  });

  test.each([
    [5],
    ["q"],
    [null],
    [[]],
    [() => true],
    [String],
    [new Date()],
    [{}, {}],
    [schema, {}, {}],
    [undefined, { alias: "q" }],
    [schema, schema],
    [schema, 5],
    [{ "~standard": {} }],
  ])("are refused when they are something else: %j", (...args) => {
    expect(() => read(...args)).toThrow(DeclarationError);
    expect(() => read(...args)).toThrow(
      /^query\(\) expects \(schema, options\), .* is an object with alias, .* and secret, but got \(.*\)\.$/,
    );
  });

  test("are refused with a full sentence when an option is unknown", () => {
    expect(() => body(schema, { maxByte: 5 } as never)).toThrow(
      'body() has no option "maxByte". Its options are title, description, example, examples, deprecated, includeInSchema, secret and maxBytes.',
    );
    expect(() => form({ alias: "x" } as never)).toThrow('form() has no option "alias".');
    expect(() => query({ toString: 1 } as never)).toThrow('query() has no option "toString".');
    expect(() => file({ maxCount: 3 } as never)).toThrow('file() has no option "maxCount".');
  });

  test("are refused with a full sentence when an option has a wrong value", () => {
    expect(() => query({ alias: "" })).toThrow(
      "The option \"alias\" of query() must be a string that is not empty, but got ''.",
    );
    expect(() => header({ secret: "yes" } as never)).toThrow(
      "The option \"secret\" of header() must be true or false, but got 'yes'.",
    );
    expect(() => body({ maxBytes: 0 })).toThrow(
      'The option "maxBytes" of body() must be a whole number from 1, or Infinity, but got 0.',
    );
    expect(() => body({ maxBytes: 1.5 })).toThrow("must be a whole number");
    expect(() => files({ maxCount: -1 })).toThrow("must be a whole number");
    expect(() => file({ types: "image/*" } as never)).toThrow(
      'The option "types" of file() must be a list of media types and endings, such as ["image/*", ".pdf"], but got',
    );
    for (const types of [[], ["png"], ["image/*; q=1"], [5], ["./x"], ["*.png"], ["*"]])
      expect(() => file({ types: types as never })).toThrow("must be a list of media types");
  });
});

test("schemas of all libraries are told from options", () => {
  for (const schema of [z.string(), v.string(), type("string")]) expect(isSchema(schema)).toBe(true);
  for (const other of [
    undefined,
    null,
    {},
    { description: "x" },
    "x",
    String,
    { "~standard": { version: 1, vendor: "x", jsonSchema: {} } },
  ])
    expect(isSchema(other)).toBe(false);
});
