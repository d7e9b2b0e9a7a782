import { mkdtemp, readdir, readlink, rm, writeFile } from "node:fs/promises";
import type { Server, ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { setImmediate as turn } from "node:timers/promises";
import { isInMemory } from "./in-memory.ts";
import { json } from "./json.ts";
import { redirect } from "./redirect.ts";
import { applyReply, Reply } from "./reply.ts";
import { sendFile } from "./send-file.ts";
import { sse } from "./sse.ts";
import { stream } from "./stream.ts";
import { text } from "./text.ts";
import { toResponse } from "./to-response.ts";
import { watchBody } from "./watch-body.ts";

const platformRequest = globalThis.Request;
const platformResponse = globalThis.Response;
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  Object.defineProperty(globalThis, "Request", { value: platformRequest, configurable: true, writable: true });
  Object.defineProperty(globalThis, "Response", { value: platformResponse, configurable: true, writable: true });
});

type Handler = (request: Request, outgoing: ServerResponse) => unknown;

/** Serves with what a handler returns. `isLight`: with the classes of \@hono/node-server in the place of the platform's. */
async function serve(handler: Handler, isLight = true): Promise<number> {
  const server = createAdaptorServer({
    overrideGlobalObjects: isLight,
    fetch: async (request: Request, env: unknown) => {
      const { outgoing } = env as { outgoing: ServerResponse };
      return toResponse(await handler(request, outgoing), { status: 200 }, request);
    },
  }) as Server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** Sends a request and gives the socket on which the answer comes. */
function send(port: number, head: string): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  cleanUps.push(() => socket.destroy());
  socket.write(`${head}\r\nHost: localhost\r\n\r\n`);
  return socket;
}

/** The bytes of the whole answer, with the line of the date left out. */
async function exchange(port: number, head: string): Promise<string> {
  let received = "";
  const socket = send(port, `${head}\r\nConnection: close`);
  for await (const chunk of socket) received += (chunk as Buffer).toString("latin1");
  return received.replace(/^date: .*\r\n/im, "");
}

/** The lines of a head in an order that the two ways of writing it share. */
const linesOf = (head: string): string[] => head.toLowerCase().split("\r\n").toSorted();

const waitUntil = (condition: () => boolean | Promise<boolean>): Promise<unknown> =>
  vi.waitUntil(condition, { timeout: 10_000, interval: 5 });

describe.each([
  ["the light classes", true],
  ["the platform's classes", false],
])("on @hono/node-server with %s", (_, isLight) => {
  it("json is written with its exact head and body", async () => {
    const port = await serve(() => ({ message: "Zürich" }), isLight);
    const [head, body] = (await exchange(port, "GET / HTTP/1.1")).split("\r\n\r\n");
    expect(body).toBe('{"message":"Z\xc3\xbcrich"}');
    expect(linesOf(head!)).toEqual([
      "connection: close",
      "content-length: 21",
      "content-type: application/json",
      "http/1.1 200 ok",
    ]);
  });

  it("redirect has no body", async () => {
    const port = await serve(() => redirect("/größer", { status: 303 }), isLight);
    const answer = await exchange(port, "GET / HTTP/1.1");
    expect(answer).toMatch(/^HTTP\/1\.1 303 See Other\r\n/);
    expect(answer).toContain("location: /gr%C3%B6%C3%9Fer\r\n");
    expect(answer).toMatch(/\r\n\r\n(?:0\r\n\r\n)?$/);
    expect(answer).not.toMatch(/^content-type/im);
  });

  it("204 has neither body nor length", async () => {
    const port = await serve(() => json({ a: 1 }, { status: 204 }), isLight);
    expect(await exchange(port, "GET / HTTP/1.1")).toBe("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  });

  it("a reply's cookies stay apart", async () => {
    const port = await serve(() => {
      const reply = new Reply();
      reply.setCookie("a", "1");
      reply.setCookie("b", "2");
      reply.headers.set("x-a", "1");
      return applyReply(reply, json({}));
    }, isLight);
    const answer = await exchange(port, "GET / HTTP/1.1");
    expect(answer.match(/^set-cookie: .*$/gim)).toEqual(["set-cookie: a=1; Path=/", "set-cookie: b=2; Path=/"]);
    expect(answer).toContain("x-a: 1\r\n");
    expect(answer).toContain("content-type: application/json\r\n");
  });

  it("a reply is set on the platform's own redirect", async () => {
    const port = await serve(() => {
      const reply = new Reply();
      reply.setCookie("a", "1");
      return applyReply(reply, platformResponse.redirect("http://localhost/new"));
    }, isLight);
    const answer = await exchange(port, "GET / HTTP/1.1");
    expect(answer).toMatch(/^HTTP\/1\.1 302 Found\r\n/);
    expect(answer).toContain("set-cookie: a=1; Path=/\r\n");
  });

  it("a stream leaves in chunks, empty ones included, and its end is told once", async () => {
    const calls: string[] = [];
    const watcher = {
      completed: () => void calls.push("completed"),
      canceled: () => void calls.push("canceled"),
      failed: () => calls.push("failed") > 0,
    };
    const port = await serve(() => watchBody(stream(["a", "", "bc"]), watcher), isLight);
    const answer = await exchange(port, "GET / HTTP/1.1");
    expect(answer).toMatch(/^content-type: text\/plain; charset=utf-8\r$/im);
    expect(answer.endsWith("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n") || answer.endsWith("\r\n\r\nabc")).toBe(true);
    expect(calls).toEqual(["completed"]);
  });

  it("a stream's first chunk arrives while the second is being made", async () => {
    const gate = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<string> {
      yield "first";
      await gate.promise;
      yield "second";
    }
    const port = await serve(() => stream(slow()), isLight);
    let received = "";
    send(port, "GET / HTTP/1.1").on("data", (chunk) => (received += String(chunk)));
    await waitUntil(() => received.includes("first"));
    expect(received).not.toContain("second");
    gate.resolve();
    await waitUntil(() => received.endsWith("second\r\n0\r\n\r\n"));
  });

  it("a generator is closed when the client hangs up, and the watcher told", async () => {
    const calls: string[] = [];
    let isClosed = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        while (true) {
          yield "x".repeat(65_536);
          await turn();
        }
      } finally {
        isClosed = true;
      }
    }
    const watcher = {
      completed: () => void calls.push("completed"),
      canceled: () => void calls.push("canceled"),
      failed: () => calls.push("failed") > 0,
    };
    const port = await serve(() => watchBody(stream(endless()), watcher), isLight);
    const socket = send(port, "GET / HTTP/1.1");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    await waitUntil(() => isClosed);
    expect(calls).toEqual(["canceled"]);
  });

  it("an idle event stream is closed when the client hangs up", async () => {
    let isCanceled = false;
    const port = await serve(
      () => sse(new ReadableStream<string>({ cancel: () => void (isCanceled = true) })),
      isLight,
    );
    const socket = send(port, "GET / HTTP/1.1");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    await waitUntil(() => isCanceled);
    expect(isCanceled).toBe(true);
  });

  it("a client that does not read stops the producer", async () => {
    const chunk = new Uint8Array(1_048_576);
    const total = 256;
    let produced = 0;
    let response: ServerResponse | undefined;
    function* megabytes(): Generator<Uint8Array> {
      for (; produced < total;) {
        produced++;
        yield chunk;
      }
    }
    const port = await serve((_, outgoing) => {
      response = outgoing;
      return watchBody(stream(megabytes()), { completed() {}, canceled() {}, failed: () => false });
    }, isLight);
    const socket = send(port, "GET / HTTP/1.1");
    socket.pause();
    await waitUntil(() => response?.writableNeedDrain === true);
    for (let turns = 0; turns < 50; turns++) await turn();
    // The buffers of the kernel hold a few of them.
    expect(produced).toBeLessThan(64);
    let receivedBytes = 0;
    socket.on("data", (data) => (receivedBytes += data.length)).resume();
    await waitUntil(() => receivedBytes > total * chunk.length);
    expect(produced).toBe(total);
  });

  it("a producer that throws breaks the connection, so that the answer cannot be taken for complete", async () => {
    let failure: unknown;
    const port = await serve(
      (_, outgoing) =>
        watchBody(
          stream(
            (async function* () {
              yield "half";
              await turn();
              throw new Error("secret");
            })(),
          ),
          {
            completed() {},
            canceled() {},
            failed(error) {
              failure = error;
              outgoing.destroy();
              return true;
            },
          },
        ),
      isLight,
    );
    const answer = await exchange(port, "GET / HTTP/1.1");
    expect(failure).toMatchObject({ message: "secret" });
    expect(answer).not.toContain("0\r\n\r\n");
    expect(answer).not.toContain("secret");
  });

  it("HEAD starts no producer", async () => {
    let isStarted = false;
    const port = await serve((request) => {
      const response = stream(
        (function* () {
          isStarted = true;
          yield "x";
        })(),
      );
      // As Hono does it.
      return request.method === "HEAD" ? new Response(null, response) : response;
    }, isLight);
    const answer = await exchange(port, "HEAD / HTTP/1.1");
    expect(answer).toMatch(/^content-type: text\/plain; charset=utf-8\r$/im);
    expect(isStarted).toBe(false);
  });

  describe("sendFile", () => {
    async function makeFile(size: number): Promise<string> {
      const dir = await mkdtemp(join(tmpdir(), "afterword-over-http-"));
      cleanUps.push(() => rm(dir, { recursive: true }));
      const path = join(dir, "film.mp4");
      await writeFile(path, new Uint8Array(size).fill(0x61));
      return path;
    }

    /** How often a file is open in this process. */
    async function openCount(path: string): Promise<number> {
      const targets = await Promise.all(
        (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
      );
      return targets.filter((target) => target === path).length;
    }

    it("writes the exact head and bytes of a range", async () => {
      const path = await makeFile(10);
      const port = await serve(() => sendFile(path, { headers: { "cache-control": "no-store" } }), isLight);
      const answer = await exchange(port, "GET / HTTP/1.1\r\nRange: bytes=-4");
      const [head, body] = answer.split("\r\n\r\n");
      expect(body).toBe("aaaa");
      expect(linesOf(head!)).toEqual([
        "accept-ranges: bytes",
        "cache-control: no-store",
        "connection: close",
        "content-length: 4",
        "content-range: bytes 6-9/10",
        "content-type: video/mp4",
        expect.stringMatching(/^etag: "/),
        "http/1.1 206 partial content",
        expect.stringMatching(/^last-modified: .* gmt$/),
      ]);
    });

    it("answers HEAD with the length and no byte", async () => {
      const path = await makeFile(1_000_000);
      const port = await serve(() => sendFile(path), isLight);
      const answer = await exchange(port, "HEAD / HTTP/1.1");
      expect(answer).toMatch(/^content-length: 1000000\r$/im);
      expect(answer.endsWith("\r\n\r\n")).toBe(true);
    });

    it("answers a known tag with 304 and no byte", async () => {
      const path = await makeFile(1_000_000);
      const port = await serve(() => sendFile(path), isLight);
      const etag = /^etag: (.*)\r$/im.exec(await exchange(port, "HEAD / HTTP/1.1"))![1]!;
      const answer = await exchange(port, `GET / HTTP/1.1\r\nIf-None-Match: ${etag}`);
      expect(answer).toMatch(/^HTTP\/1\.1 304 Not Modified\r\n/);
      expect(answer).toContain(`etag: ${etag}\r\n`);
      expect(answer).not.toMatch(/^content-(?:type|length)|^transfer-encoding/im);
      expect(answer.endsWith("\r\n\r\n")).toBe(true);
    });

    it.runIf(process.platform === "linux")("sends a large file whole and closes it", async () => {
      const path = await makeFile(3_000_000);
      const port = await serve(() => sendFile(path), isLight);
      const answer = await exchange(port, "GET / HTTP/1.1");
      expect(answer.length - answer.indexOf("\r\n\r\n") - 4).toBe(3_000_000);
      expect(await openCount(path)).toBe(0);
    });

    it.runIf(process.platform === "linux")("closes the file when the client hangs up in the middle", async () => {
      const path = await makeFile(64_000_000);
      const port = await serve(() => sendFile(path), isLight);
      const socket = send(port, "GET / HTTP/1.1");
      await new Promise((resolve) => socket.once("data", resolve));
      socket.pause();
      expect(await openCount(path)).toBe(1);
      socket.destroy();
      await waitUntil(async () => (await openCount(path)) === 0);
    });
  });
});

describe("the short way of @hono/node-server", () => {
  it("is taken by json and text: no Headers are made, and the shared object is neither copied nor changed", async () => {
    let response: Response | undefined;
    const port = await serve(() => (response = json({ a: 1 })));
    await exchange(port, "GET / HTTP/1.1");
    const cacheOf = (value: Response): unknown[] => {
      const key = Object.getOwnPropertySymbols(value).find((symbol) => symbol.description === "cache")!;
      return (value as unknown as Record<symbol, unknown[]>)[key]!;
    };
    const [status, body, headers] = cacheOf(response!);
    expect([status, body]).toEqual([200, '{"a":1}']);
    expect(headers).toEqual({ "content-type": "application/json" });
    expect(cacheOf(json({}))[2]).toBe(headers);
    expect(cacheOf(text("x", { headers: { "x-a": "1" } }))[2]).toEqual({
      "x-a": "1",
      "content-type": "text/plain; charset=utf-8",
    });
  });

  it("tells a body in memory from a stream, without making a stream of it", async () => {
    await serve(() => null);
    expect(isInMemory(json({}))).toBe(true);
    expect(isInMemory(redirect("/"))).toBe(true);
    expect(isInMemory(new Response(new Uint8Array(1)))).toBe(true);
    expect(isInMemory(stream(["a"]))).toBe(false);
    // Whoever has asked for the body may be reading it.
    const touched = json({});
    void touched.body;
    expect(isInMemory(touched)).toBe(false);
    expect(isInMemory(new platformResponse("x"))).toBe(false);
  });
});
