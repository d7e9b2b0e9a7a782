import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { form } from "./form.ts";
import { boundary, multipart, multipartType, postForm } from "./multipart.fixture.ts";
import { query } from "./query.ts";
import { exceptionOf, solve } from "./scope.fixture.ts";

function post(fields: string, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", {
    method: "POST",
    body: fields,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
}

/** The same fields in both types of form. */
function both(fields: string): Request[] {
  const parts = [...new URLSearchParams(fields)].map(([name, content]) => ({ name, content }));
  return [post(fields), postForm(multipart(...parts))];
}

describe("form()", () => {
  test("is the fields as text, lists where they are repeated and nothing where they are empty", async () => {
    for (const request of both("a=1&b=x+y&a=2&c=&d=&d=3")) {
      const { values, problems } = await solve({ data: form() }, request);
      expect(problems).toBeUndefined();
      expect(values.data).toEqual({ a: ["1", "2"], b: "x y", d: "3" });
    }
  });

  test.each([
    [
      "zod",
      z.object({
        name: z.string(),
        age: z.int(),
        news: z.boolean().default(false),
        tags: z.array(z.string()).optional(),
      }),
    ],
    ["arktype", type({ name: "string", age: "number.integer", news: "boolean = false", "tags?": "string[]" })],
    [
      "valibot",
      toStandardJsonSchema(
        v.object({
          name: v.string(),
          age: v.number(),
          news: v.optional(v.boolean(), false),
          tags: v.optional(v.array(v.string())),
        }),
      ),
    ],
  ])("is what the schema makes of it with %s", async (_name, schema) => {
    for (const request of both("name=5&age=30&news=on&tags=a")) {
      const { values, problems } = await solve({ data: form(schema) }, request);
      expect(problems).toBeUndefined();
      expect(values.data).toEqual({ name: "5", age: 30, news: true, tags: ["a"] });
    }
    for (const request of both("name=a&name=b&age=30&tags=&news="))
      expect((await solve({ data: form(schema) }, request)).values.data).toEqual({ name: "b", age: 30, news: false });
  });

  test("is coerced field by field also where one is a date", async () => {
    const schema = z.object({ n: z.number(), at: z.coerce.date() });
    expect((await solve({ data: form(schema) }, post("n=1&at=2026-11-24"))).values.data).toEqual({
      n: 1,
      at: new Date("2026-11-24"),
    });
  });

  test("is refused with what came, under body", async () => {
    const schema = z.object({ name: z.string(), age: z.int().max(150), tags: z.array(z.int()) });
    for (const request of both("age=200&tags=1&tags=x")) {
      const { problems } = await solve({ data: form(schema), q: query(z.string()) }, request);
      expect(problems).toEqual(
        [
          { type: "missing", loc: ["body", "name"], msg: "Field required", input: null },
          { type: "too_big", loc: ["body", "age"], msg: "Too big: expected int to be <=150", input: "200" },
          {
            type: "invalid_type",
            loc: ["body", "tags", 1],
            msg: "Invalid input: expected number, received string",
            input: "x",
          },
          { type: "missing", loc: ["query", "q"], msg: "Field required", input: null },
        ].map((problem) => ({ ...problem, msg: expect.any(String) as string })),
      );
    }
  });

  test("leaves fields that the schema does not know to the schema", async () => {
    expect((await solve({ data: form(z.object({ a: z.string() })) }, post("a=1&b=2"))).values.data).toEqual({ a: "1" });
    expect((await solve({ data: form(z.looseObject({ a: z.string() })) }, post("a=1&b=2"))).values.data).toEqual({
      a: "1",
      b: "2",
    });
    expect((await solve({ data: form(z.strictObject({ a: z.string() })) }, post("a=1&b=2"))).problems).toMatchObject([
      { type: "unrecognized_keys" },
    ]);
  });

  test("is an empty form when there is no body", async () => {
    const requests = [
      post(""),
      new Request("http://localhost/", { method: "POST" }),
      new Request("http://localhost/"),
      postForm("", { "content-length": "0" }),
      postForm(""),
    ];
    for (const request of requests) {
      const { problems } = await solve(
        { data: form(z.object({ a: z.string(), b: z.string().default("x") })) },
        request,
      );
      expect(problems).toEqual([{ type: "missing", loc: ["body", "a"], msg: "Field required", input: null }]);
    }
  });

  test("has no field that reaches a prototype", async () => {
    for (const request of both("__proto__=1&constructor=2&toString=3&a=4")) {
      const data = (await solve({ data: form() }, request)).values.data as Record<string, string>;
      expect(Object.getPrototypeOf(data)).toBeNull();
      expect({ ...data }).toEqual(JSON.parse('{"__proto__":"1","constructor":"2","toString":"3","a":"4"}'));
    }
    for (const request of both("__proto__=1&a=4")) {
      const { values } = await solve({ data: form(z.looseObject({ a: z.int() })) }, request);
      expect(values.data).toMatchObject({ a: 4 });
      expect(({} as Record<string, unknown>).a).toBeUndefined();
    }
  });

  test.each(["application/json", "text/plain", "multipart/mixed; boundary=x", ""])(
    "of the type %j is refused with 415",
    async (contentType) => {
      const request = new Request("http://localhost/", {
        method: "POST",
        body: new TextEncoder().encode("a=1"),
        headers: contentType === "" ? {} : { "content-type": contentType },
      });
      const error = await exceptionOf(solve({ data: form() }, request));
      expect(error).toMatchObject({
        status: 415,
        headers: { accept: "multipart/form-data, application/x-www-form-urlencoded" },
      });
      expect(error.detail).toMatch(
        /^Expected a body of type multipart\/form-data, application\/x-www-form-urlencoded, but (got "|the request has no Content-Type)/,
      );
    },
  );

  test("in another charset or compressed is refused with 415", async () => {
    expect(
      await exceptionOf(
        solve({ data: form() }, post("a=1", { "content-type": "application/x-www-form-urlencoded; charset=latin1" })),
      ),
    ).toMatchObject({ status: 415 });
    expect(await exceptionOf(solve({ data: form() }, post("a=1", { "content-encoding": "gzip" })))).toMatchObject({
      status: 415,
    });
  });

  test("has limits on its text, its fields and their names", async () => {
    for (const request of both(`a=${"x".repeat(60)}&b=${"y".repeat(60)}`))
      expect(await exceptionOf(solve({ data: form() }, request, { maxBodyBytes: 100 }))).toMatchObject({
        status: 413,
        headers: { connection: "close" },
      });
    for (const request of both(`a=${"x".repeat(200)}`))
      expect(await exceptionOf(solve({ data: form() }, request, { maxBodyBytes: 100 }))).toMatchObject({ status: 413 });
    for (const request of both("a=1&".repeat(1_001)))
      expect(await exceptionOf(solve({ data: form() }, request))).toMatchObject({
        status: 413,
        detail: "The form has more than 1000 fields.",
      });
    for (const request of both(`${"n".repeat(201)}=1`))
      expect(await exceptionOf(solve({ data: form() }, request))).toMatchObject({ status: 413 });
    const exact = postForm(multipart({ name: "a", content: "x".repeat(99) }));
    expect((await solve({ data: form() }, exact, { maxBodyBytes: 100 })).values.data).toEqual({ a: "x".repeat(99) });
  });

  test("that is secret is not repeated", async () => {
    const { problems } = await solve(
      { data: form(z.object({ password: z.string().min(100) }), { secret: true }) },
      post("password=hunter2"),
    );
    expect(problems).toMatchObject([{ loc: ["body", "password"] }]);
    expect(JSON.stringify(problems)).not.toContain("hunter2");
  });

  test("can be read after a middleware that read the body through Hono", async () => {
    for (const request of both("a=1")) {
      const { scope } = await solve({}, request);
      await scope.req.text();
      expect(await form().bind("data").read(scope)).toEqual({ a: "1" });
    }
  });
});

test("a form that a middleware has read as FormData is an error that says so", async () => {
  for (const request of both("a=1")) {
    const { scope } = await solve({}, request);
    await scope.req.parseBody();
    await expect(form().bind("data").read(scope)).rejects.toMatchObject({ code: "body_used" });
  }
});

describe("a multipart form", () => {
  const parts = (body: string, contentType = multipartType) =>
    solve({ data: form() }, postForm(body, { "content-type": contentType })).then(({ values }) => values.data);

  test("may have a preamble, an epilogue and a boundary in quotes", async () => {
    expect(await parts(`preamble\r\n${multipart({ name: "a", content: "1" })}epilogue`)).toEqual({ a: "1" });
    expect(
      await parts(multipart({ name: "a", content: "1" }), `Multipart/Form-Data; boundary="${boundary}"; charset=utf-8`),
    ).toEqual({ a: "1" });
    expect(await parts(multipart())).toEqual({});
  });

  test("may have parts without a name, which are no fields", async () => {
    expect(
      await parts(multipart({ content: "x" }, { head: "X-Other: 1", content: "y" }, { name: "a", content: "1" })),
    ).toEqual({ a: "1" });
  });

  test("has text with line breaks and other alphabets in it", async () => {
    expect(await parts(multipart({ name: "é", content: "a\r\n--Xb\r\nb😀" }))).toEqual({ é: "a\r\n--Xb\r\nb😀" });
  });

  test.each([
    ["has no boundary", multipart({ name: "a" }), "multipart/form-data"],
    ["has another boundary", multipart({ name: "a" }), "multipart/form-data; boundary=other"],
    ["ends without its last boundary", multipart({ name: "a", content: "1" }).slice(0, -6), multipartType],
    [
      "ends in the middle of a field",
      `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nab`,
      multipartType,
    ],
    ["ends in the middle of a header", `--${boundary}\r\nContent-Dispo`, multipartType],
    ["is no form at all", "hello", multipartType],
  ])("that %s is refused with 400", async (_how, body, contentType) => {
    expect(await exceptionOf(parts(body, contentType))).toMatchObject({ status: 400 });
  });

  test("has at most 2000 parts, named or not", async () => {
    const error = await exceptionOf(parts(multipart(...Array.from({ length: 2_001 }, () => ({ content: "x" })))));
    expect(error).toMatchObject({ status: 413, detail: "The form has too many parts." });
  });
});
