import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { query } from "./query.ts";
import { solve } from "./scope.fixture.ts";

describe("query()", () => {
  test("is the text, undefined when absent and empty when it is empty", async () => {
    const { values, problems } = await solve(
      { q: query(), none: query(), empty: query(), bare: query() },
      "/?q=a+b&empty=&bare",
    );
    expect(values).toEqual({ q: "a b", none: undefined, empty: "", bare: "" });
    expect(problems).toBeUndefined();
  });

  test("has the name of its key, or its alias", async () => {
    expect(
      (
        await solve(
          { pageSize: query(), tags: query(z.array(z.string()), { alias: "tag[]" }) },
          "/?pageSize=5&tag%5B%5D=a&tag[]=b",
        )
      ).values,
    ).toEqual({
      pageSize: "5",
      tags: ["a", "b"],
    });
  });

  test("is the last one of several, as in FastAPI", async () => {
    expect((await solve({ q: query(), n: query(z.int()) }, "/?q=a&n=1&q=b&n=2")).values).toEqual({ q: "b", n: 2 });
  });

  test.each([
    ["zod", z.int().default(10), z.boolean().optional(), z.array(z.int())],
    [
      "arktype",
      type("number.integer | undefined").pipe((limit) => limit ?? 10),
      type("boolean | undefined"),
      type("number[]"),
    ],
    [
      "valibot",
      toStandardJsonSchema(v.optional(v.number(), 10)),
      toStandardJsonSchema(v.optional(v.boolean())),
      toStandardJsonSchema(v.array(v.number())),
    ],
  ])("becomes numbers, booleans and lists with %s", async (_name, limit, flag, ids) => {
    const params = { limit: query(limit), flag: query(flag), ids: query(ids) };
    const { values, problems } = await solve(params, "/?limit=5&flag=off&ids=1&ids=2");
    expect(problems).toBeUndefined();
    expect(values).toEqual({ limit: 5, flag: false, ids: [1, 2] });
    const absent = await solve(params, "/?ids=3");
    expect(absent.problems).toBeUndefined();
    expect(absent.values).toEqual({ limit: 10, flag: undefined, ids: [3] });
  });

  test("gets the text from a schema without JSON Schema", async () => {
    expect((await solve({ n: query(v.pipe(v.string(), v.transform(Number))) }, "/?n=5")).values).toEqual({ n: 5 });
  });

  test("takes dates and bigints from schemas that convert text themselves", async () => {
    const { values } = await solve(
      { at: query(z.coerce.date()), n: query(z.coerce.bigint()), day: query(z.iso.date()) },
      "/?at=2026-11-24&n=12345678901234567890&day=2026-11-24",
    );
    expect(values).toEqual({ at: new Date("2026-11-24"), n: 12345678901234567890n, day: "2026-11-24" });
  });

  test("is refused one problem a value, all in one list", async () => {
    const { problems } = await solve(
      {
        limit: query(z.int().max(100)),
        q: query(z.string()),
        ids: query(z.array(z.int())),
        none: query(z.array(z.int())),
      },
      "/?limit=1000&ids=1&ids=x&ids=",
    );
    expect(problems).toEqual([
      { type: "too_big", loc: ["query", "limit"], msg: "Too big: expected number to be <=100", input: "1000" },
      { type: "missing", loc: ["query", "q"], msg: "Field required", input: null },
      {
        type: "invalid_type",
        loc: ["query", "ids", 1],
        msg: "Invalid input: expected number, received string",
        input: "x",
      },
      {
        type: "invalid_type",
        loc: ["query", "ids", 2],
        msg: "Invalid input: expected number, received string",
        input: "",
      },
      { type: "missing", loc: ["query", "none"], msg: "Field required", input: null },
    ]);
  });

  test("of an empty text for a number is refused, not zero", async () => {
    expect((await solve({ n: query(z.number()) }, "/?n=")).problems).toMatchObject([
      { type: "invalid_type", input: "" },
    ]);
  });

  test("of a secret is not repeated", async () => {
    const { problems } = await solve({ token: query(z.uuid(), { secret: true }) }, "/?token=hunter2");
    expect(problems).toEqual([{ type: "invalid_format", loc: ["query", "token"], msg: "Invalid UUID" }]);
  });

  test("may be called like what every object has", async () => {
    const { values } = await solve(
      { toString: query(), constructor: query(), a: query({ alias: "__proto__" }) },
      "/?constructor=x&__proto__=y",
    );
    expect([values.constructor, values.a, Object.hasOwn(values, "toString") && values.toString]).toEqual([
      "x",
      "y",
      undefined,
    ]);
  });
});
