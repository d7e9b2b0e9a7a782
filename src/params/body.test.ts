import { once } from "node:events";
import { connect } from "node:net";
import { text as readText } from "node:stream/consumers";
import { type } from "arktype";
import * as v from "valibot";
import { afterEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { body } from "./body.ts";
import { query } from "./query.ts";
import { exceptionOf, serveParams, solve } from "./scope.fixture.ts";

function post(
  content: BodyInit | null,
  headers: Record<string, string> = { "content-type": "application/json" },
): Request {
  return new Request("http://localhost/", { method: "POST", body: content, headers, duplex: "half" } as RequestInit);
}

describe("body()", () => {
  test("is the parsed JSON without a schema, undefined when it is empty", async () => {
    expect((await solve({ item: body() }, post('{"a": [1, null]}'))).values).toEqual({ item: { a: [1, null] } });
    expect((await solve({ item: body() }, post(""))).values).toEqual({ item: undefined });
    expect((await solve({ item: body() }, post(null, {}))).values).toEqual({ item: undefined });
    expect((await solve({ item: body() }, post("null"))).values).toEqual({ item: null });
    expect((await solve({ item: body() }, "/")).values).toEqual({ item: undefined });
  });

  test.each([
    ["zod", z.object({ name: z.string(), price: z.number() })],
    ["valibot", v.object({ name: v.string(), price: v.number() })],
    ["arktype", type({ name: "string", price: "number" })],
  ])("is validated with %s, and nothing is coerced", async (_name, schema) => {
    const { values, problems } = await solve({ item: body(schema) }, post('{"name": "tea", "price": 5}'));
    expect(problems).toBeUndefined();
    expect(values).toEqual({ item: { name: "tea", price: 5 } });
    const refused = await solve({ item: body(schema) }, post('{"price": "5"}'));
    expect(refused.problems).toHaveLength(2);
    expect(refused.problems).toContainEqual({
      type: "missing",
      loc: ["body", "name"],
      msg: "Field required",
      input: null,
    });
    expect(refused.problems).toContainEqual(expect.objectContaining({ loc: ["body", "price"], input: "5" }));
  });

  test("is one missing value when it is empty and must not be", async () => {
    const { problems } = await solve(
      { item: body(z.object({ a: z.string(), b: z.string() })), q: query(z.string()) },
      post(""),
    );
    expect(problems).toEqual([
      { type: "missing", loc: ["body"], msg: "Field required", input: null },
      { type: "missing", loc: ["query", "q"], msg: "Field required", input: null },
    ]);
    expect((await solve({ item: body(z.object({}).optional()) }, post(null))).problems).toBeUndefined();
  });

  test("is validated asynchronously where the schema is asynchronous", async () => {
    const schema = z.string().refine(async (text) => text === "a", "Not a");
    expect((await solve({ item: body(schema) }, post('"a"'))).values).toEqual({ item: "a" });
    expect((await solve({ item: body(schema) }, post('"b"'))).problems).toMatchObject([
      { msg: "Not a", loc: ["body"], input: "b" },
    ]);
  });

  test.each([
    "application/json",
    "Application/JSON; charset=UTF-8",
    "application/problem+json",
    "application/vnd.api+json; ext=x",
  ])("may be of type %s", async (contentType) => {
    expect((await solve({ item: body() }, post("1", { "content-type": contentType }))).values).toEqual({ item: 1 });
  });

  test.each([
    "text/plain",
    "text/json",
    "application/jsonp",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "+json",
    "application/json, text/plain",
  ])("may not be of type %s", async (contentType) => {
    for (const length of [{}, { "content-length": "1" }] as Record<string, string>[])
      expect(
        await exceptionOf(solve({ item: body() }, post("1", { "content-type": contentType, ...length }))),
      ).toMatchObject({ status: 415 });
  });

  test("of a wrong type does not matter when it is empty", async () => {
    for (const content of [null, ""])
      expect((await solve({ item: body() }, post(content, { "content-type": "text/plain" }))).values).toEqual({
        item: undefined,
      });
  });

  test("in another charset or compressed is refused with 415", async () => {
    expect(
      await exceptionOf(solve({ item: body() }, post("1", { "content-type": "application/json; charset=latin1" }))),
    ).toMatchObject({ status: 415 });
    expect(
      await exceptionOf(
        solve({ item: body() }, post("1", { "content-type": "application/json", "content-encoding": "br" })),
      ),
    ).toMatchObject({ status: 415 });
  });

  test("has the app's limit, or its own", async () => {
    const text = `"${"x".repeat(98)}"`;
    expect((await solve({ item: body() }, post(text), { maxBodyBytes: 100 })).values).toEqual({ item: "x".repeat(98) });
    expect(await exceptionOf(solve({ item: body() }, post(text), { maxBodyBytes: 99 }))).toMatchObject({
      status: 413,
      detail: "The body is larger than 99 bytes.",
    });
    expect(await exceptionOf(solve({ item: body({ maxBytes: 50 }) }, post(text)))).toMatchObject({
      status: 413,
      detail: "The body is larger than 50 bytes.",
    });
    expect((await solve({ item: body({ maxBytes: 200 }) }, post(text), { maxBodyBytes: 99 })).problems).toBeUndefined();
    expect(
      (await solve({ item: body({ maxBytes: Infinity }) }, post(text), { maxBodyBytes: 99 })).problems,
    ).toBeUndefined();
  });

  test("that is no JSON is a problem beside others", async () => {
    const { problems } = await solve({ item: body(z.object({})), n: query(z.int()) }, post("{"));
    expect(problems).toMatchObject([
      {
        type: "json_invalid",
        loc: ["body"],
        msg: 'Invalid JSON: expected a key in double quotes or "}", but it ends at line 1, column 2.',
        input: "{",
      },
      { type: "missing", loc: ["query", "n"] },
    ]);
  });

  test("that is secret is left out of all problems", async () => {
    const declared = { login: body(z.object({ password: z.string().min(100) }), { secret: true }) };
    for (const text of ['{"password": "hunter2"}', '{"password": "hunter2"', '{"__proto__": "hunter2"}']) {
      const { problems } = await solve(declared, post(text));
      expect(problems).toHaveLength(1);
      expect(JSON.stringify(problems)).not.toContain("hunter2");
    }
  });

  test("cannot change the prototype of anything", async () => {
    expect((await solve({ item: body() }, post('{"a": {"__proto__": {"b": 1}}}'))).problems).toMatchObject([
      { type: "json_invalid", msg: 'Invalid JSON: the key "a.__proto__" is not allowed.' },
    ]);
  });
});

describe("body() over a socket", () => {
  const servers: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  async function start() {
    const server = await serveParams({ item: body(z.object({ a: z.number() })) }, ({ item }) => item, 1_000);
    servers.push(server);
    return server;
  }

  async function send(port: number, request: string): Promise<string> {
    const socket = connect(port, "127.0.0.1");
    socket.write(request);
    return readText(socket);
  }

  const head = (headers: string) =>
    `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n${headers}\r\n\r\n`;

  test("is read with a length and in chunks", async () => {
    const { url } = await start();
    const headers = { "content-type": "application/json" };
    expect(await (await fetch(url, { method: "POST", headers, body: '{"a": 1}' })).json()).toEqual({ a: 1 });
    const stream = new Blob(['{"a"', ": 2}"]).stream();
    expect(
      await (await fetch(url, { method: "POST", headers, body: stream, duplex: "half" } as RequestInit)).json(),
    ).toEqual({ a: 2 });
  });

  test("is absent where no header tells of one", async () => {
    const { port } = await start();
    expect(await send(port, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).toContain(
      '{"detail":[{"type":"missing","loc":["body"]',
    );
    expect(await send(port, head(""))).toContain('"type":"missing"');
    expect(
      await send(
        port,
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ),
    ).toContain('"type":"missing"');
  });

  test("of a wrong type is refused with 415 before it has come", async () => {
    const { port } = await start();
    const socket = connect(port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 900\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 415 /);
    socket.destroy();
  });

  test("that is too long is refused with 413 and the connection is closed", async () => {
    const { port } = await start();
    expect(await send(port, head("Content-Length: 5000"))).toMatch(
      /^HTTP\/1.1 413 [^]*connection: close[^]*larger than 1000 bytes/i,
    );
    const chunk = `400\r\n${"x".repeat(1_024)}\r\n`;
    expect(await send(port, head("Transfer-Encoding: chunked") + chunk.repeat(20))).toMatch(
      /^HTTP\/1.1 413 [^]*connection: close[^]*larger than 1000 bytes/i,
    );
  });

  test.each(["Content-Length: 100", "Transfer-Encoding: chunked"])(
    "that breaks off is a 400, not a 500, with %s",
    async (length) => {
      const server = await start();
      const socket = connect(server.port, "127.0.0.1");
      socket.write(head(length) + (length.startsWith("T") ? '8\r\n{"a": 1}\r\n' : '{"a": 1}'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.destroy();
      await expect.poll(() => server.errors).toHaveLength(1);
      expect(server.errors[0]).toMatchObject({ status: 400, detail: "The body of the request ended early." });
    },
  );
});
