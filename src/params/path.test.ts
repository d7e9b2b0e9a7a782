import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { path } from "./path.ts";
import { solve } from "./scope.fixture.ts";

describe("path()", () => {
  test("is the text between the slashes, decoded", async () => {
    const { values } = await solve({ id: path(), name: path({ alias: "user_name" }) }, "/", {
      path: { id: "a%20b%2Fc", user_name: "%C3%A9" },
    });
    expect(values).toEqual({ id: "a b/c", name: "é" });
  });

  test("stays as it came where it cannot be decoded", async () => {
    const { values } = await solve({ a: path(), b: path(), c: path() }, "/", {
      path: { a: "%ff", b: "100%", c: "%C3%A9-%ff-%20" },
    });
    expect(values).toEqual({ a: "%ff", b: "100%", c: "é-%ff- " });
  });

  test.each([
    ["zod", z.int(), z.boolean()],
    ["arktype", type("number.integer"), type("boolean")],
    ["valibot", toStandardJsonSchema(v.pipe(v.number(), v.integer())), toStandardJsonSchema(v.boolean())],
  ])("becomes a number or a boolean with %s", async (_name, integer, boolean) => {
    const { values, problems } = await solve({ id: path(integer), on: path(boolean) }, "/", {
      path: { id: "15", on: "yes" },
    });
    expect(problems).toBeUndefined();
    expect(values).toEqual({ id: 15, on: true });
  });

  test("is refused with what came and where", async () => {
    const { problems } = await solve({ email: path(z.email()), id: path(z.int()) }, "/", {
      path: { email: "x", id: "%20" },
    });
    expect(problems).toEqual([
      { type: "invalid_format", loc: ["path", "email"], msg: "Invalid email address", input: "x" },
      { type: "invalid_type", loc: ["path", "id"], msg: "Invalid input: expected number, received string", input: " " },
    ]);
  });

  test("of an optional part that is absent is refused without a schema, and up to the schema with one", async () => {
    const { values, problems } = await solve({ id: path(), other: path(z.string().default("x")) }, "/");
    expect(values.other).toBe("x");
    expect(problems).toEqual([{ type: "missing", loc: ["path", "id"], msg: "Field required", input: null }]);
  });

  test("is a list of one for a schema that takes a list", async () => {
    expect((await solve({ id: path(z.array(z.int())) }, "/", { path: { id: "5" } })).values).toEqual({ id: [5] });
  });

  test("is synchronous with a synchronous schema", () => {
    expect(path(z.string()).bind("id")).toMatchObject({ place: "path", name: "id", label: 'path "id"' });
  });
});
