// Whatever comes: an app answers it as it should, runs each task once and closes what it has opened.
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { TestClient } from "afterword/testing";
import { startApp } from "../support/hosts.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil, within } from "../support/wait-until.ts";
import { createEveryDeclaration, type Trace } from "./every-declaration.ts";
import { openRaw } from "./raw-bytes.ts";
import { madeRequest, type MadeRequest } from "./requests.ts";

keepTidy();

let printed: ReturnType<typeof vi.spyOn>;
beforeAll(() => void (printed = vi.spyOn(console, "error").mockImplementation(() => {})));
afterAll(() => printed.mockRestore());

interface Problem {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input?: unknown;
}

function checkProblems(text: string): void {
  const { detail, ...rest } = JSON.parse(text) as { detail: Problem[] };
  expect(rest).toEqual({});
  expect(detail.length).toBeGreaterThan(0);
  for (const { type, loc, msg, input, ...others } of detail) {
    expect(others).toEqual({});
    expect(type).toMatch(/^\w+$/);
    expect(msg).toMatch(/./s);
    expect(["path", "query", "header", "cookie", "body"]).toContain(loc[0]);
    expect(loc.every((key) => typeof key === "string" || Number.isInteger(key))).toBe(true);
    expect(JSON.stringify(input ?? null).length).toBeLessThan(1_500);
  }
}

/** A status, and what must be true of the answer and of what the request has left. */
function checkAnswer(method: string, status: number, headers: Headers, text: string, trace: Trace): void {
  expect(trace.hasThrown ? [500] : [200, 201, 400, 401, 404, 405, 413, 415, 422]).toContain(status);
  if (status >= 400 && method !== "HEAD" && status < 500) {
    expect(headers.get("content-type")).toBe("application/json");
    if (status === 422) checkProblems(text);
    else expect(JSON.parse(text)).toEqual({ detail: expect.any(String) as string });
  }
  if (status === 500) expect(text).toBe(method === "HEAD" ? "" : "Internal Server Error");
  if (status === 405) expect(headers.get("allow")).toMatch(/^[A-Z]+(, [A-Z]+)*$/);
  if (text.includes("secret")) expect(status).not.toBe(200);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
}

function checkTrace(trace: Trace, isSuccess: boolean): void {
  expect(trace.closed, "what was opened is closed").toBe(trace.opened);
  expect(trace.runs).toEqual(trace.always.map((always) => (always || isSuccess ? 1 : 0)));
}

test("a request in memory is answered as documented, its tasks run once, its generators are closed", async () => {
  const { app, traceOf } = createEveryDeclaration();
  await using client = new TestClient(app);
  const seen = new Map<number, number>();
  let count = 0;
  await fc.assert(
    fc.asyncProperty(madeRequest, async ({ method, target, headers, body }) => {
      const run = String(count++);
      const fields = new Headers([
        ...headers.map(([name, value]) => [name, value] as [string, string]),
        ["x-run", run],
      ]);
      const hasBody = body !== undefined && method !== "GET" && method !== "HEAD";
      const response = await client.request(method, `http://testserver${target}`, {
        headers: Object.fromEntries(fields),
        ...(hasBody && { body }),
      });
      const trace = traceOf(run);
      seen.set(response.status, (seen.get(response.status) ?? 0) + 1);
      checkAnswer(method, response.status, response.headers, await response.text(), trace);
      checkTrace(trace, response.ok);
    }),
    { numRuns: 300 },
  );
  // Not all requests are refused, nor for the same reason.
  const of = (...statuses: number[]): number => statuses.reduce((sum, status) => sum + (seen.get(status) ?? 0), 0);
  expect(of(200, 201)).toBeGreaterThan(20);
  expect(of(422)).toBeGreaterThan(10);
  expect(of(500)).toBeGreaterThan(0);
}, 60_000);

/** The bytes of a request on the wire. */
function toBytes({ method, target, headers, body }: MadeRequest, run: string, isChunked: boolean): Buffer {
  const bytes = body ?? new Uint8Array();
  const framing = isChunked ? "transfer-encoding: chunked" : `content-length: ${bytes.length}`;
  const lines = [...headers, ["x-run", run] as const].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\nhost: x\r\n${lines}${framing}\r\n\r\n`, "latin1");
  if (!isChunked) return Buffer.concat([head, bytes]);
  const half = Math.ceil(bytes.length / 2);
  const chunks = [bytes.subarray(0, half), bytes.subarray(half)].filter((chunk) => chunk.length > 0);
  const framed = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([head, ...framed, Buffer.from("0\r\n\r\n")]);
}

test("a request over a socket is answered as documented or cut, its tasks run at most once, its generators are closed", async () => {
  const { app, traceOf } = createEveryDeclaration();
  const server = await startApp(app);
  let count = 0;
  // Where the client goes away: nowhere, or after this share of its request.
  const cut = fc.oneof(
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  );
  await fc.assert(
    fc.asyncProperty(madeRequest, fc.boolean(), cut, async (made, isChunked, cut) => {
      const run = String(count++);
      const bytes = toBytes(made, run, isChunked);
      const trace = traceOf(run);
      const { socket, exchange, closed } = await openRaw(server.port, made.method);
      if (cut !== null) {
        await new Promise<void>((resolve) =>
          socket.write(bytes.subarray(0, Math.ceil(bytes.length * cut)), () => resolve()),
        );
        socket.destroy();
        await closed;
        // One that is whole may have come to its handler.
        await waitUntil(() => trace.closed === trace.opened && app.background.active.size === 0);
        const isRight = trace.runs.every((runs, task) => runs === 1 || (runs === 0 && !trace.always[task]));
        expect({ ...trace, isRight }).toEqual({ ...trace, isRight: true });
        return;
      }
      socket.write(bytes);
      const { status, headers, text } = await within(
        exchange.response,
        5_000,
        `the answer to ${made.method} ${made.target}`,
      );
      checkAnswer(made.method, status, headers, text, trace);
      socket.destroy();
      await closed;
      await waitUntil(() => app.background.active.size === 0 && trace.closed === trace.opened);
      checkTrace(trace, status < 300);
    }),
    { numRuns: 150 },
  );
  expect(await within(server.close(), 2_000, "the server to close")).toMatchObject({ ok: true, lost: [] });
}, 60_000);
