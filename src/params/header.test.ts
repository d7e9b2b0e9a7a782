import { describe, expect, test } from "vitest";
import * as z from "zod";
import { type } from "arktype";
import { DeclarationError } from "../internal/afterword-error.ts";
import { header, toHeaderName } from "./header.ts";
import { solve } from "./scope.fixture.ts";

function get(headers: Record<string, string>): Request {
  return new Request("http://localhost/", { headers });
}

test.each([
  ["userAgent", "user-agent"],
  ["user_agent", "user-agent"],
  ["x_token", "x-token"],
  ["xToken", "x-token"],
  ["x-token", "x-token"],
  ["ifNoneMatch", "if-none-match"],
  ["XRequestID", "x-request-id"],
  ["xB3TraceId", "x-b3-trace-id"],
  ["contentMD5", "content-md5"],
  ["etag", "etag"],
  ["DNT", "dnt"],
])("the key %s stands for the header %s", (key, name) => {
  expect(toHeaderName(key)).toBe(name);
});

describe("header()", () => {
  test("is the text, undefined when absent", async () => {
    const { values } = await solve(
      { userAgent: header(), x_token: header(), none: header() },
      get({ "User-Agent": "curl/8", "X-Token": "a" }),
    );
    expect(values).toEqual({ userAgent: "curl/8", x_token: "a", none: undefined });
  });

  test("is called like its alias, letter by letter", async () => {
    const { values } = await solve(
      { a: header({ alias: "strange_header" }), b: header({ alias: "X-Token" }) },
      get({ strange_header: "1", "x-token": "2" }),
    );
    expect(values).toEqual({ a: "1", b: "2" });
    expect(header({ alias: "X-Token" }).bind("b").name).toBe("X-Token");
  });

  test("becomes what the schema takes", async () => {
    const { values, problems } = await solve(
      { contentLength: header(z.int()), dnt: header(type("boolean")) },
      get({ "content-length": "12", dnt: "1" }),
    );
    expect(problems).toBeUndefined();
    expect(values).toEqual({ contentLength: 12, dnt: true });
  });

  test("is split at commas for a list", async () => {
    const headers = new Headers({ "x-ids": "1, 2,,3 " });
    headers.append("x-ids", "4");
    const { values } = await solve({ xIds: header(z.array(z.int())) }, new Request("http://localhost/", { headers }));
    expect(values).toEqual({ xIds: [1, 2, 3, 4] });
    expect((await solve({ xIds: header(z.array(z.int())) }, get({ "x-ids": " , " }))).problems).toMatchObject([
      { type: "missing" },
    ]);
  });

  test("is refused under its name on the wire", async () => {
    const { problems } = await solve(
      { xCount: header(z.int()), ifMatch: header(z.string()) },
      get({ "x-count": "many" }),
    );
    expect(problems).toEqual([
      {
        type: "invalid_type",
        loc: ["header", "x-count"],
        msg: "Invalid input: expected number, received string",
        input: "many",
      },
      { type: "missing", loc: ["header", "if-match"], msg: "Field required", input: null },
    ]);
  });

  test("cannot have a name that no header has", () => {
    for (const key of ["größe", "x token", "x:token", ""]) expect(() => header().bind(key)).toThrow(DeclarationError);
    expect(() => header().bind("größe")).toThrow(
      'header() expects the name of a header, of letters, digits and hyphens, but got "größe". Give its name with { alias: "…" }.',
    );
  });
});
