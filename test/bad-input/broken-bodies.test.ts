// Bodies that are not what they say, or not what is asked for.
import { BackgroundTasks, body, form } from "afterword";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { keepTidy } from "../support/tidy.ts";
import { besideNeighbors, type Target } from "./beside-neighbors.ts";
import { sendBytes } from "./raw-bytes.ts";

keepTidy();

function define({ app, recorder }: Target): void {
  app.post("/json", { data: body(z.object({ n: z.number() })), tasks: BackgroundTasks }, ({ data, tasks }) => {
    tasks.addTask(() => recorder.add("task"));
    return data;
  });
  app.post("/any", { data: body(), tasks: BackgroundTasks }, ({ data, tasks }) => {
    tasks.addTask(() => recorder.add("task"));
    return { data: data ?? null };
  });
  app.post("/form", { data: form(), tasks: BackgroundTasks }, ({ data, tasks }) => {
    tasks.addTask(() => recorder.add("task"));
    return data;
  });
}

const json = { "content-type": "application/json" };

describe("a JSON body", () => {
  const malformed: [string, string | Uint8Array][] = [
    ["is cut", '{"n": 1'],
    ["is a lone brace", "{"],
    ["has a trailing comma", '{"n": 1,}'],
    ["has single quotes", "{'n': 1}"],
    ["has two values", '{"n": 1} {"n": 2}'],
    ["is a word", "undefined"],
    ["is NaN", '{"n": NaN}'],
    ["has a control character in a string", '{"n": "\u0001"}'],
    ["has half an escape", '"\\u12'],
    ["is white space", "   "],
    ["starts with two byte order marks", "\ufeff\ufeff{}"],
    ["is open a million times", "[".repeat(1_000_000)],
    ["is not UTF-8", Uint8Array.from([0x22, 0xff, 0xfe, 0x22])],
    ["ends within a character", Uint8Array.from([0x22, 0xe2, 0x82, 0x22])],
    ["has an overlong slash", Uint8Array.from([0x22, 0xc0, 0xaf, 0x22])],
    ["has an encoded surrogate", Uint8Array.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["is UTF-16", Buffer.from('{"n": 1}', "utf16le")],
  ];

  test.each(malformed)("that %s is answered with 422", async (_what, bytes) => {
    await besideNeighbors(define, async ({ request, recorder }) => {
      for (const target of ["/json", "/any"]) {
        const response = await request("POST", target, { headers: json, body: bytes });
        expect(response.status).toBe(422);
        const { detail } = JSON.parse(response.text) as { detail: unknown[] };
        expect(detail).toHaveLength(1);
        expect(detail[0]).toMatchObject({ type: "json_invalid", loc: ["body"], msg: expect.any(String) as string });
        expect(response.text.length).toBeLessThan(1_000);
      }
      expect(recorder.count("task")).toBe(0);
    });
  });

  test("of a hundred thousand nested lists is a value like others, or is refused", async () => {
    await besideNeighbors(define, async ({ request }) => {
      const deep = "[".repeat(100_000) + "]".repeat(100_000);
      expect((await request("POST", "/json", { headers: json, body: deep })).status).toBe(422);
    });
  });

  test("with halves of surrogate pairs in its escapes gets a well-formed answer", async () => {
    await besideNeighbors(define, async ({ request }) => {
      const wrong = await request("POST", "/json", { headers: json, body: String.raw`{"n": "\ud800"}` });
      expect(wrong.status).toBe(422);
      expect(new TextDecoder("utf-8", { fatal: true }).decode(wrong.body)).toContain("detail");
      const right = await request("POST", "/any", { headers: json, body: String.raw`"\udfff"` });
      expect(right.status).toBe(200);
      expect(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(right.body))).toEqual({ data: "\udfff" });
    });
  });

  test("of numbers beyond all bounds is read as JSON reads it, and the schema decides", async () => {
    await besideNeighbors(define, async ({ request }) => {
      const response = await request("POST", "/json", { headers: json, body: '{"n": 1e999}' });
      expect(response.status).toBe(422);
      const { detail } = JSON.parse(response.text) as { detail: { loc: unknown }[] };
      expect(detail[0]!.loc).toEqual(["body", "n"]);
    });
  });
});

describe("a content type", () => {
  const refused: [string, Record<string, string>][] = [
    ["that is missing", {}],
    ["that is empty", { "content-type": "" }],
    ["of text", { "content-type": "text/plain" }],
    ["of a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["that only begins like JSON", { "content-type": "application/jsonp" }],
    ["that is a list", { "content-type": "application/json, text/plain" }],
    ["of another charset", { "content-type": "application/json; charset=utf-16" }],
    ["of garbage", { "content-type": ';;;="' }],
    ["under a content encoding", { "content-type": "application/json", "content-encoding": "gzip" }],
  ];

  test.each(refused)("%s is answered with 415 where JSON belongs", async (_what, headers) => {
    await besideNeighbors(define, async ({ request, recorder, connect }) => {
      const response = await request("POST", "/json", { headers, body: '{"n": 1}' });
      expect(response.status).toBe(415);
      expect(JSON.parse(response.text)).toEqual({ detail: expect.any(String) as string });
      const client = await connect();
      const chunked = client.begin("POST", "/json", { ...headers, "transfer-encoding": "chunked" });
      client.write('8\r\n{"n": 1}\r\n0\r\n\r\n');
      expect((await chunked.response).status).toBe(415);
      expect(recorder.count("task")).toBe(0);
    });
  });

  test.each([
    ["of JSON", 415, "application/json"],
    ["of text", 415, "text/plain"],
    ["without a boundary", 400, "multipart/form-data"],
    ["with an empty boundary", 400, "multipart/form-data; boundary="],
    ["of mixed parts", 415, "multipart/mixed; boundary=x"],
  ])("%s is answered with %i where a form belongs", async (_what, status, contentType) => {
    await besideNeighbors(define, async ({ request, recorder }) => {
      const response = await request("POST", "/form", { headers: { "content-type": contentType }, body: "a=1" });
      expect(response.status).toBe(status);
      expect(JSON.parse(response.text)).toEqual({ detail: expect.any(String) as string });
      expect(recorder.count("task")).toBe(0);
    });
  });
});

describe("an urlencoded form", () => {
  const forms: [string, string | Uint8Array, Record<string, string>][] = [
    ["broken percent signs", "a=%&b=%4&c=%zz&%=1", { a: "%", b: "%4", c: "%zz", "%": "1" }],
    ["percent signs that are no UTF-8", "a=%ff%fe&b=%c0%af", { a: "\ufffd\ufffd", b: "\ufffd\ufffd" }],
    ["bytes that are no UTF-8", Uint8Array.from([0x61, 0x3d, 0xff, 0xfe]), { a: "\ufffd\ufffd" }],
    ["nothing but signs", "&&==&=&&", {}],
    ["names and values of zero bytes", "a%00=%00", { "a\0": "\0" }],
  ];

  test.each(forms)("of %s is read as a browser reads it", async (_what, bytes, expected) => {
    await besideNeighbors(define, async ({ request, recorder }) => {
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const response = await request("POST", "/form", { headers, body: bytes });
      expect(response.status).toBe(200);
      const { "": _empty, ...fields } = JSON.parse(response.text) as Record<string, string>;
      expect(fields).toEqual(expected);
      await recorder.when("task");
    });
  });
});

describe("framing", () => {
  const head = "POST /any HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  const smuggled = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
  const broken: [string, string][] = [
    [
      "a content length and chunks",
      `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ["two content lengths", `${head}content-length: 1\r\ncontent-length: 2\r\n\r\n11`],
    ["a negative content length", `${head}content-length: -1\r\n\r\n1`],
    ["a content length that is no number", `${head}content-length: 1e1\r\n\r\n1`],
    ["a content length beyond all bounds", `${head}content-length: ${"9".repeat(30)}\r\n\r\n1`],
    ["a chunk size that is no number", `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`],
    ["a chunk size beyond all bounds", `${head}transfer-encoding: chunked\r\n\r\n${"f".repeat(30)}\r\n`],
    ["a chunk that is longer than it says", `${head}transfer-encoding: chunked\r\n\r\n1\r\n11111\r\n0\r\n\r\n`],
    ["an unknown transfer encoding", `${head}transfer-encoding: cheese\r\n\r\n1`],
    ["a header without a name", `${head}: 1\r\n\r\n`],
    ["a header with a zero byte", `${head}x: \0\r\n\r\n`],
    ["no host", "POST /any HTTP/1.1\r\n\r\n"],
    ["an unknown method", "CHEESE / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["an unknown protocol", "GET / CHEESE/9.9\r\nhost: x\r\n\r\n"],
    ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["random bytes", "\x00\xff\x80\x01\n\n\r\r"],
  ];

  test.each(broken)("with %s ends with 400 and a closed connection", async (_what, bytes) => {
    await besideNeighbors(define, async ({ port, recorder }) => {
      const ending = await sendBytes(port, bytes);
      if (ending !== "closed") expect(ending.status).toBe(400);
      expect(recorder.count("task")).toBe(0);
    });
  });
});
