// Request targets, headers and cookies that no browser would send.
import { BackgroundTasks, cookie, header, path, query } from "afterword";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { keepTidy } from "../support/tidy.ts";
import { besideNeighbors, type Target } from "./beside-neighbors.ts";
import { sendBytes, type RawEnding } from "./raw-bytes.ts";

keepTidy();

function define({ app, recorder }: Target): void {
  app.get(
    "/echo/:part",
    {
      part: path(),
      q: query(),
      all: query(z.array(z.string()).default([])),
      n: query(z.int().default(0)),
      session: cookie(),
      odd: header({ alias: "x-odd" }),
      tasks: BackgroundTasks,
    },
    ({ tasks, ...came }) => {
      tasks.addTask(() => recorder.add("task"));
      return came;
    },
  );
}

function get(port: number, target: string, headers = ""): Promise<RawEnding> {
  return sendBytes(port, `GET ${target} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`, "GET");
}

async function echo(port: number, target: string, headers?: string): Promise<Record<string, unknown>> {
  const ending = await get(port, target, headers);
  if (ending === "closed") throw new Error(`The connection was closed after ${target}`);
  expect(ending.status).toBe(200);
  return JSON.parse(ending.text) as Record<string, unknown>;
}

describe("a path", () => {
  test.each([
    ["a lone percent sign", "%", "%"],
    ["half an escape", "a%4", "a%4"],
    ["no hexadecimal digits", "%zz", "%zz"],
    ["bytes that are no UTF-8", "%ff", "%ff"],
    ["half a character", "%e2%82", "%e2%82"],
    ["an encoded surrogate", "%ed%a0%80", "%ed%a0%80"],
    ["an overlong slash", "%c0%af", "%c0%af"],
    ["an encoded slash", "a%2fb", "a/b"],
    ["a zero byte", "a%00b", "a\0b"],
    ["right and wrong escapes", "%41%", "A%"],
    ["a doubly encoded sign", "%2541", "%41"],
  ])("with %s is a value, and what cannot be decoded stays as it is", async (_what, part, expected) => {
    await besideNeighbors(define, async ({ port, recorder }) => {
      expect((await echo(port, `/echo/${part}`)).part).toBe(expected);
      await recorder.when("task");
    });
  });

  test.each([
    "/%",
    "/%ff",
    "/echo/%2e%2e/%2e%2e/etc/passwd",
    "/echo//",
    "//",
    "/echo/a/%00",
    "/neighbor/%",
    "/" + "a/".repeat(3_000),
  ])("that leads nowhere is answered with 404 or 405: %s", async (target) => {
    await besideNeighbors(define, async ({ port }) => {
      const ending = await get(port, target);
      expect(ending).toMatchObject({ text: expect.stringContaining("detail") as string });
      expect([404, 405]).toContain((ending as { status: number }).status);
    });
  });

  test.each([
    ["an absolute one", "http://elsewhere.example/echo/a", [200, 400, 404]],
    ["an absolute one without a host", "http:///echo/a", [200, 400, 404]],
    ["one of another protocol", "ftp://elsewhere.example/echo/a", [400, 404]],
    ["an asterisk", "*", [400, 404]],
    ["one without a slash", "echo/a", [400, 404]],
    ["only a query", "?q=1", [400, 404]],
    ["one with raw bytes", "/echo/\xff\xfe", [200, 400]],
    ["one with a fragment", "/echo/a#b", [200, 400]],
    ["one with backslashes", "/echo\\a", [200, 400, 404]],
  ])("that is %s gets an answer and no 500", async (_what, target, statuses) => {
    await besideNeighbors(define, async ({ port }) => {
      const ending = await get(port, target);
      if (ending !== "closed") expect(statuses).toContain(ending.status);
    });
  });

  test.each(["", "a b", "x:99999", "[::1", "x/y", "user@x", "\xff", "#", "x,y", "%"])(
    "under the odd host %j gets an answer and no 500",
    async (host) => {
      await besideNeighbors(define, async ({ port }) => {
        const ending = await sendBytes(port, `GET /echo/a HTTP/1.1\r\nhost: ${host}\r\n\r\n`, "GET");
        if (ending !== "closed") expect([200, 400, 404]).toContain(ending.status);
      });
    },
  );
});

describe("a query", () => {
  test.each([
    ["a lone percent sign", "q=%", { q: "%" }],
    ["half an escape", "q=%4", { q: "%4" }],
    ["bytes that are no UTF-8", "q=%ff", { q: "%ff" }],
    ["right and wrong escapes", "q=%41%", { q: "A%" }],
    ["an encoded name", "%71=1", { q: "1" }],
    ["a broken name", "%7=1", {}],
    ["nothing but signs", "&&==&=&?&??", {}],
    ["a name alone", "q", { q: "" }],
    ["a zero byte", "q=%00", { q: "\0" }],
    ["broken members of a list", "all=%&all=%ff", { all: ["%", "%ff"] }],
  ])("with %s is read, and what cannot be decoded stays as it is", async (_what, text, expected) => {
    await besideNeighbors(define, async ({ port, recorder }) => {
      expect(await echo(port, `/echo/a?${text}`)).toEqual({ part: "a", all: [], n: 0, ...expected });
      await recorder.when("task");
    });
  });

  test("of thousands of values is one problem when they are wrong, and quick", async () => {
    await besideNeighbors(define, async ({ port, recorder }) => {
      const ending = await get(port, `/echo/a?${"n=x&".repeat(3_000)}`);
      expect(ending).toMatchObject({ status: 422 });
      const { detail } = JSON.parse((ending as { text: string }).text) as { detail: unknown[] };
      expect(detail).toEqual([expect.objectContaining({ loc: ["query", "n"], input: "x" })]);
      expect(recorder.count("task")).toBe(0);
    });
  });
});

describe("cookies and headers", () => {
  test.each([
    ["broken escapes", "session=%", "%"],
    ["bytes that are no UTF-8", "session=%ff", "%ff"],
    ["nothing but signs", ";;==;=;", undefined],
    ["no value", "session=", ""],
    ["the name alone", "session", undefined],
  ])("a cookie with %s is read or absent", async (_what, text, expected) => {
    await besideNeighbors(define, async ({ port }) => {
      expect((await echo(port, "/echo/a", `cookie: ${text}\r\n`)).session).toBe(expected);
    });
  });

  test("a header with bytes beyond ASCII is a text", async () => {
    await besideNeighbors(define, async ({ port }) => {
      expect((await echo(port, "/echo/a", "x-odd: \xe9\xff\r\n")).odd).toBe("\xe9\xff");
    });
  });

  test("ten thousand cookies are read, or are too many", async () => {
    await besideNeighbors(define, async ({ port }) => {
      const ending = await get(port, "/echo/a", `cookie: ${"a=1;".repeat(3_000)}session=last\r\n`);
      expect(ending).toMatchObject({ status: 200 });
      expect(await get(port, "/echo/a", `cookie: ${"a=1;".repeat(10_000)}\r\n`)).toMatchObject({ status: 431 });
    });
  });
});
