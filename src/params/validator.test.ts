import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { HonoRequest } from "hono/request";
import { invalid } from "../dependencies/source.ts";
import { createScope, planOf } from "./scope.fixture.ts";
import { Validator } from "./validator.ts";

function scope() {
  return createScope(new HonoRequest(new Request("http://localhost/")), planOf({}));
}

describe("validation", () => {
  test.each([
    ["zod", z.string().min(2)],
    ["valibot", v.pipe(v.string(), v.minLength(2))],
    ["arktype", type("string >= 2")],
  ])("is synchronous with %s", (_name, schema) => {
    const validator = new Validator(schema, ["query", "q"], false);
    const request = scope();
    expect(validator.accept(request, "tea", "tea")).toBe("tea");
    expect(request.problems).toBeUndefined();
    expect(validator.accept(request, "t", "t")).toBe(invalid);
    expect(request.problems).toMatchObject([{ loc: ["query", "q"], input: "t" }]);
  });

  test("is a promise only where the schema is asynchronous", async () => {
    const validator = new Validator(
      z.string().refine(async (text) => text !== "taken", "Already taken"),
      ["query", "q"],
      false,
    );
    const request = scope();
    await expect(validator.accept(request, "free", "free")).resolves.toBe("free");
    await expect(validator.accept(request, "taken", "taken")).resolves.toBe(invalid);
    expect(request.problems).toEqual([{ type: "custom", loc: ["query", "q"], msg: "Already taken", input: "taken" }]);
  });

  test("gives the schema's output", () => {
    expect(
      new Validator(
        z.string().transform((text) => text.length),
        [],
        false,
      ).accept(scope(), "tea", "tea"),
    ).toBe(3);
  });

  test("of an absent value gives the default, or one problem however many the schema has", () => {
    const request = scope();
    expect(new Validator(z.string().default("tea"), ["query", "q"], false).acceptAbsent(request)).toBe("tea");
    expect(new Validator(z.string().optional(), ["query", "q"], false).acceptAbsent(request)).toBeUndefined();
    expect(new Validator(z.union([z.string(), z.number()]), ["query", "q"], false).acceptAbsent(request)).toBe(invalid);
    expect(request.problems).toEqual([{ type: "missing", loc: ["query", "q"], msg: "Field required", input: null }]);
  });

  test("of an absent value is asynchronous where the schema is", async () => {
    const request = scope();
    const validator = new Validator(
      z
        .string()
        .optional()
        .refine(async (text) => text !== undefined),
      ["query", "q"],
      false,
    );
    await expect(validator.acceptAbsent(request)).resolves.toBe(invalid);
    expect(request.problems).toHaveLength(1);
  });

  test("throws what a schema throws", async () => {
    const throwing = (message: string) => () => {
      throw new Error(message);
    };
    const request = scope();
    const standard = { "~standard": { version: 1 as const, vendor: "own", validate: throwing("sync") } };
    expect(() => new Validator(standard, [], false).accept(request, 1, 1)).toThrow("sync");
    await expect(
      new Validator(z.string().refine(throwing("zod")), [], false).accept(request, "a", "a"),
    ).rejects.toThrow("zod");
    expect(() =>
      new Validator(v.pipe(v.string(), v.check(throwing("valibot"))), [], false).accept(request, "a", "a"),
    ).toThrow("valibot");
    expect(request.problems).toBeUndefined();
  });
});
