import { HonoRequest } from "hono/request";
import { describe, expect, test } from "vitest";
import { hasBody, readBody } from "./request-body.ts";
import { exceptionOf } from "./scope.fixture.ts";

function post(body: BodyInit | null, headers: Record<string, string> = {}): HonoRequest {
  return new HonoRequest(
    new Request("http://localhost/", { method: "POST", body, headers, duplex: "half" } as RequestInit),
  );
}

/** A body in chunks, and how many of them were asked for. */
function chunked(chunks: number, bytes: number): { stream: ReadableStream<Uint8Array<ArrayBuffer>>; asked(): number } {
  let asked = 0;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        if (asked++ < chunks) controller.enqueue(new Uint8Array(bytes).fill(97));
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, asked: () => asked };
}

describe("the body of a request", () => {
  test("is read whole, with or without a length", async () => {
    expect(await readBody(post("abc", { "content-length": "3" }), 3)).toEqual(new Uint8Array([97, 98, 99]));
    expect((await readBody(post(chunked(3, 10).stream), 30)).byteLength).toBe(30);
    expect((await readBody(post(null), 1)).byteLength).toBe(0);
    expect((await readBody(new HonoRequest(new Request("http://localhost/")), 1)).byteLength).toBe(0);
  });

  test("is refused without being read when it says that it is too long", async () => {
    const { stream, asked } = chunked(100, 10);
    const error = await exceptionOf(readBody(post(stream, { "content-length": "1000" }), 999));
    expect(error).toMatchObject({
      status: 413,
      detail: "The body is larger than 999 bytes.",
      headers: { connection: "close" },
    });
    expect(asked()).toBe(0);
  });

  test("is read no further than to the limit when it does not say how long it is", async () => {
    const { stream, asked } = chunked(1_000_000, 1_000);
    expect(await exceptionOf(readBody(post(stream), 5_000))).toMatchObject({ status: 413 });
    expect(asked()).toBeLessThanOrEqual(7);
  });

  test("is refused when it is longer than it says", async () => {
    expect(await exceptionOf(readBody(post("a".repeat(100), { "content-length": "5" }), 50))).toMatchObject({
      status: 413,
    });
  });

  test("that breaks off is answered with 400, the cause kept", async () => {
    const broken = () =>
      new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: (controller) => controller.error(new Error("ECONNRESET")) });
    for (const headers of [{}, { "content-length": "5" }] as Record<string, string>[]) {
      const error = await exceptionOf(readBody(post(broken(), headers), 50));
      expect(error).toMatchObject({ status: 400, detail: "The body of the request ended early." });
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  test("can be read after a middleware that read it through Hono", async () => {
    for (const headers of [{}, { "content-length": "7" }] as Record<string, string>[]) {
      const req = post('{"a":1}', headers);
      await req.json();
      expect(new TextDecoder().decode(await readBody(req, 100))).toBe('{"a":1}');
      const other = post('{"a":1}', headers);
      await other.text();
      expect(await hasBody(other)).toBe(true);
    }
  });

  test("that a middleware has read past Hono is an error that says so", async () => {
    const req = post("abc");
    await req.raw.text();
    await expect(readBody(req, 100)).rejects.toMatchObject({
      code: "body_used",
      message: expect.stringContaining("a middleware has read it") as string,
    });
    await expect(hasBody(req)).rejects.toMatchObject({ code: "body_used" });
  });

  test("is there when a byte of it comes", async () => {
    expect(await hasBody(post(null))).toBe(false);
    expect(await hasBody(post(""))).toBe(false);
    expect(await hasBody(post("a"))).toBe(true);
    expect(await hasBody(post(chunked(0, 5).stream))).toBe(false);
  });
});
