import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Problem } from "../dependencies/problem.ts";
import { missingProblem, toProblem } from "./issue-problem.ts";

function problemsOf(schema: StandardSchemaV1, value: unknown, isSecret = false): Problem[] {
  const { issues } = schema["~standard"].validate(value) as StandardSchemaV1.FailureResult;
  return issues.map((issue) => toProblem(issue, ["body"], value, isSecret));
}

describe("a problem", () => {
  test("has the code, the place and the text of a zod issue, and what came there", () => {
    const schema = z.object({ items: z.array(z.object({ price: z.number().min(1) })) });
    expect(problemsOf(schema, { items: [{ price: 2 }, { price: 0 }] })).toEqual([
      { type: "too_small", loc: ["body", "items", 1, "price"], msg: "Too small: expected number to be >=1", input: 0 },
    ]);
  });

  test("has the code of an arktype error", () => {
    expect(problemsOf(type({ price: "number >= 1" }), { price: 0 })).toEqual([
      { type: "min", loc: ["body", "price"], msg: expect.stringContaining("at least 1") as string, input: 0 },
    ]);
  });

  test("is a value_error for valibot, which has no codes", () => {
    expect(problemsOf(v.object({ price: v.pipe(v.number(), v.minValue(1)) }), { price: 0 })).toEqual([
      { type: "value_error", loc: ["body", "price"], msg: "Invalid value: Expected >=1 but received 0", input: 0 },
    ]);
  });

  test.each([
    ["zod", z.object({ a: z.object({ b: z.string() }) })],
    ["valibot", v.object({ a: v.object({ b: v.string() }) })],
    ["arktype", type({ a: { b: "string" } })],
  ])("is of type missing where a key is absent, with %s", (_name, schema) => {
    expect(problemsOf(schema, { a: {} })).toEqual([
      { type: "missing", loc: ["body", "a", "b"], msg: "Field required", input: null },
    ]);
  });

  test("is not of type missing where the key holds null or an inherited name", () => {
    expect(problemsOf(z.object({ a: z.string() }), { a: null })).toMatchObject([{ type: "invalid_type", input: null }]);
    expect(problemsOf(z.object({ toString: z.string() }), {})).toMatchObject([{ type: "missing" }]);
  });

  test("keeps the words of the user's own check about an absent key", () => {
    const schema = z
      .object({ a: z.string().optional() })
      .refine(() => false, { path: ["a"], message: "a is needed here" });
    expect(problemsOf(schema, {})).toEqual([
      { type: "missing", loc: ["body", "a"], msg: "a is needed here", input: null },
    ]);
    const forwarded = v.pipe(
      v.object({ a: v.optional(v.string()) }),
      v.forward(
        v.check(() => false, "a is needed here"),
        ["a"],
      ),
    );
    expect(problemsOf(forwarded, {})).toMatchObject([{ type: "missing", msg: "a is needed here" }]);
  });

  test("shows the whole text where the schema has looked into it", () => {
    const schema = z.preprocess((text) => JSON.parse(text as string) as unknown, z.object({ a: z.number() }));
    expect(problemsOf(schema, '{"a":"x"}')).toMatchObject([
      { type: "invalid_type", loc: ["body", "a"], input: '{"a":"x"}' },
    ]);
  });

  test("about the value itself has no path", () => {
    expect(problemsOf(z.strictObject({}), { extra: 1 })).toEqual([
      { type: "unrecognized_keys", loc: ["body"], msg: 'Unrecognized key: "extra"', input: { extra: 1 } },
    ]);
  });

  test("of a secret has no input", () => {
    const problems = problemsOf(
      z.object({ password: z.string().min(100), pin: z.string() }),
      { password: "hunter2" },
      true,
    );
    expect(problems.map((problem) => "input" in problem)).toEqual([false, false]);
    expect(JSON.stringify(problems)).not.toContain("hunter2");
    expect(missingProblem(["query", "q"], true)).toEqual({
      type: "missing",
      loc: ["query", "q"],
      msg: "Field required",
    });
  });

  test.each([
    ["zod", z.object({ password: z.email() })],
    ["valibot", v.object({ password: v.pipe(v.string(), v.email()) })],
    ["arktype", type({ password: "string.email" })],
  ])("of a secret does not repeat it in its text either, with %s", (_name, schema) => {
    for (const password of ["hunter2", 'hunter"2\n', "hunter2".repeat(100), 12345])
      for (const problem of problemsOf(schema, { password }, true)) expect(problem.msg).not.toMatch(/hunter|12345/);
  });

  test("of a secret keeps a text that does not repeat it", () => {
    expect(problemsOf(z.string().min(100, "Too short"), "hunter2", true)).toMatchObject([{ msg: "Too short" }]);
    expect(problemsOf(v.pipe(v.string(), v.email()), "hunter2", true)).toMatchObject([{ msg: "Invalid value" }]);
  });

  test("has a path of strings and numbers whatever the issue's path is made of", () => {
    const issue = { message: "no", path: [Symbol("s"), { key: 0 }, { key: "a" }, 1] };
    expect(toProblem(issue, ["body"], {}, false).loc).toEqual(["body", "Symbol(s)", 0, "a", 1]);
  });
});
