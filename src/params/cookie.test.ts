import * as v from "valibot";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { DeclarationError } from "../internal/afterword-error.ts";
import { cookie } from "./cookie.ts";
import { solve } from "./scope.fixture.ts";

function get(cookies: string): Request {
  return new Request("http://localhost/", { headers: { cookie: cookies } });
}

describe("cookie()", () => {
  test("is the text, undefined when absent", async () => {
    const { values } = await solve(
      { session: cookie(), theme: cookie({ alias: "ui-theme" }), none: cookie(), empty: cookie() },
      get('session=a%20b; ui-theme="dark"; empty='),
    );
    expect(values).toEqual({ session: "a b", theme: "dark", none: undefined, empty: "" });
    expect((await solve({ session: cookie() }, "/")).values).toEqual({ session: undefined });
  });

  test("is the first of several", async () => {
    expect((await solve({ a: cookie() }, get("a=1; a=2"))).values).toEqual({ a: "1" });
  });

  test("becomes what the schema takes", async () => {
    const { values } = await solve(
      { visits: cookie(z.int()), seen: cookie(toStandardJsonSchema(v.boolean())), list: cookie(z.array(z.int())) },
      get("visits=3; seen=true; list=5"),
    );
    expect(values).toEqual({ visits: 3, seen: true, list: [5] });
  });

  test("is refused, and not repeated when secret", async () => {
    const { problems } = await solve(
      { session: cookie(z.uuid(), { secret: true }), a: cookie(z.int()), b: cookie(z.int()) },
      get("session=hunter2; a=x"),
    );
    expect(problems).toMatchObject([
      { type: "invalid_format", loc: ["cookie", "session"] },
      { type: "invalid_type", loc: ["cookie", "a"], input: "x" },
      { type: "missing", loc: ["cookie", "b"], input: null },
    ]);
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });

  test("called like what every object has is absent when it did not come", async () => {
    const { values } = await solve(
      { constructor: cookie(), toString: cookie(), p: cookie({ alias: "__proto__" }) },
      get("a=1"),
    );
    expect([values.constructor, values.toString, values.p]).toEqual([undefined, undefined, undefined]);
    expect((await solve({ p: cookie({ alias: "__proto__" }) }, get("__proto__=1"))).values).toEqual({ p: "1" });
  });

  test("survives a header of nonsense", async () => {
    for (const header of [";;;", "=", "a", "a;b=;=c;", 'a="', "a=%ff; ", "a=\t1"])
      expect((await solve({ a: cookie() }, get(header))).problems).toBeUndefined();
  });

  test("cannot have a name that no cookie has", () => {
    for (const alias of ["a b", "a=b", "a;b", "größe", 'a"b', "a,b", "a\\b"])
      expect(() => cookie({ alias }).bind("a")).toThrow(DeclarationError);
    for (const alias of ["a-b", "__Host-a", "a.b", "a:b", "a[b]"]) expect(cookie({ alias }).bind("a").name).toBe(alias);
  });
});
