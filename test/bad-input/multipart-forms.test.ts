// Multipart forms whose fields repeat, are missing, are broken, or end early.
import { BackgroundTasks, file, files, form } from "afterword";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { boundary, multipart, multipartType, type Part } from "../../src/params/multipart.fixture.ts";
import { filesIn } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil, within } from "../support/wait-until.ts";
import { besideNeighbors, type Target } from "./beside-neighbors.ts";
import { openRaw } from "./raw-bytes.ts";

const tidy = keepTidy();

/** More than stays in memory, so that it lies on the disk. */
const large = "a".repeat(2 * 2 ** 20);

function define({ app, recorder }: Target): void {
  app.post(
    "/form",
    {
      data: form(z.object({ name: z.string(), age: z.int().optional(), tags: z.array(z.string()).default([]) })),
      photo: file(),
      papers: files({ optional: true, maxCount: 2 }),
      tasks: BackgroundTasks,
    },
    ({ data, photo, papers, tasks }) => {
      tasks.addTask(async () => recorder.add(`task ${(await photo.text()).length}`));
      return { ...data, photo: photo.size, papers: papers.map(({ name }) => name) };
    },
  );
}

const name: Part = { name: "name", content: "n" };
const photo: Part = { name: "photo", filename: "p", content: "1" };

describe("a multipart form", () => {
  const forms: [string, Part[], number, unknown][] = [
    ["with everything once", [name, photo], 200, { name: "n", tags: [], photo: 1, papers: [] }],
    ["with a repeated field", [name, { name: "name", content: "last" }, photo], 200, { name: "last" }],
    [
      "with a repeated list",
      [name, { name: "tags", content: "a" }, { name: "tags", content: "b" }, photo],
      200,
      { tags: ["a", "b"] },
    ],
    ["without its field", [photo], 422, [{ type: "missing", loc: ["body", "name"], input: null }]],
    ["without its file", [name], 422, [{ type: "missing", loc: ["body", "photo"], input: null }]],
    ["without anything", [], 422, [{ loc: ["body", "name"] }, { loc: ["body", "photo"] }]],
    ["with a repeated file", [name, photo, photo], 422, [{ loc: ["body", "photo"], msg: "Expected at most 1 file" }]],
    [
      "with large repeated files",
      [name, { ...photo, content: large }, { ...photo, content: large }],
      422,
      [{ loc: ["body", "photo"] }],
    ],
    [
      "with too many files",
      [name, photo, ...Array.from({ length: 3 }, () => ({ ...photo, name: "papers" }))],
      422,
      [{ loc: ["body", "papers"] }],
    ],
    ["with text for a file", [name, { name: "photo", content: "text" }], 422, [{ loc: ["body", "photo"] }]],
    [
      "with a file for text",
      [{ ...name, filename: "n" }, photo],
      422,
      [{ loc: ["body", "name"] }, { type: "missing", loc: ["body", "name"] }],
    ],
    [
      "with an unknown large file",
      [name, photo, { ...photo, name: "other", content: large }],
      422,
      [{ loc: ["body", "other"] }],
    ],
    ["with a part without a name", [name, photo, { content: "x" }], 200, { name: "n" }],
    ["with a part without headers", [name, photo, { head: "", content: "x" }], 200, { name: "n" }],
    [
      "with a filename that leads elsewhere",
      [name, photo, { ...photo, name: "papers", filename: "../../etc/passwd" }],
      200,
      { papers: ["passwd"] },
    ],
    ["with a file without a name", [name, { name: "photo", filename: "", content: "1" }], 200, { photo: 1 }],
    [
      "with a file that was not chosen",
      [name, { name: "photo", filename: "", content: "" }],
      422,
      [{ type: "missing", loc: ["body", "photo"] }],
    ],
    [
      "with a broken encoding of a name",
      [name, photo, { head: `Content-Disposition: form-data; name*=utf-8''%ff%`, content: "x" }],
      200,
      { name: "n" },
    ],
    [
      "with a field of an unknown charset",
      [{ name: "name", type: "text/plain; charset=cheese", content: "n" }, photo],
      200,
      {},
    ],
  ];

  test.each(forms)("%s is answered as it deserves", async (_what, parts, status, expected) => {
    await besideNeighbors(define, async ({ request, recorder }) => {
      const response = await request("POST", "/form", {
        headers: { "content-type": multipartType },
        body: multipart(...parts),
      });
      expect(response.status).toBe(status);
      const answer = JSON.parse(response.text) as { detail: unknown };
      expect(status === 200 ? answer : answer.detail).toMatchObject(expected as object);
      if (status === 200) await recorder.when("task 1");
      else expect(recorder.events.filter((event) => event.startsWith("task "))).toEqual([]);
      await waitUntil(async () => (await filesIn(tidy.tempDirectory())).length === 0);
    });
  });

  const whole = multipart(name, { ...photo, content: large }, { name: "tags", content: "a" });
  const cuts: [string, number][] = [
    ["in its first boundary", 3],
    ["in the head of a part", 30],
    ["before the text of a field", whole.indexOf("\r\n\r\n") + 4],
    ["in the head of its file", whole.indexOf("filename")],
    ["in its file, in memory", whole.indexOf("aaa") + 100_000],
    ["in its file, on the disk", whole.indexOf("aaa") + 1_500_000],
    ["after its file", whole.lastIndexOf("aaa") + 3],
    ["in the last boundary", whole.length - 5],
  ];

  test.each(cuts)("that ends %s but says it is whole is answered with 400", async (_where, length) => {
    await besideNeighbors(define, async ({ request, recorder }) => {
      const response = await request("POST", "/form", {
        headers: { "content-type": multipartType },
        body: whole.slice(0, length),
      });
      expect(response.status).toBe(400);
      expect(JSON.parse(response.text)).toEqual({ detail: expect.any(String) as string });
      expect(recorder.events.filter((event) => event.startsWith("task "))).toEqual([]);
      expect(await filesIn(tidy.tempDirectory())).toEqual([]);
    });
  });

  test.each(cuts)("whose client goes away %s leaves nothing", async (_where, length) => {
    await besideNeighbors(define, async ({ port, recorder }) => {
      for (const leave of ["end", "destroy", "resetAndDestroy"] as const) {
        const { socket, closed } = await openRaw(port);
        socket.write(
          `POST /form HTTP/1.1\r\nhost: x\r\ncontent-type: ${multipartType}\r\ncontent-length: ${whole.length}\r\n\r\n`,
        );
        await new Promise<void>((resolve) => socket.write(whole.slice(0, length), () => resolve()));
        socket[leave]();
        await within(closed, 5_000, "the end of the connection");
      }
      await waitUntil(async () => (await filesIn(tidy.tempDirectory())).length === 0, { what: "no file is left" });
      expect(recorder.events.filter((event) => event.startsWith("task "))).toEqual([]);
    });
  });
});

describe("the connection of an upload that is refused before its end", () => {
  const refused: [string, string, string][] = [
    ["415 for its type", "application/x-unknown", "x"],
    ["400 for its missing boundary", "multipart/form-data", "x"],
    ["400 for its content", multipartType, `--${boundary}\r\n${"x".repeat(20_000)}\r\n\r\n--${boundary}\r\n`],
    ["413 for its name", multipartType, multipart({ name: "n".repeat(300), content: "1" }).slice(0, -10)],
  ];

  test.each(refused)("with %s is used again or closed, but never hangs", async (_what, type, first) => {
    await besideNeighbors(define, async ({ port }) => {
      const { socket, exchange, closed } = await openRaw(port);
      socket.write(`POST /form HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`);
      const write = (text: string): void => void socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
      write(first);
      for (let count = 0; count < 32; count++) write("a".repeat(65_536));
      socket.write("0\r\n\r\n");
      const { status } = await within(exchange.response, 5_000, "the answer");
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      const again = new Promise<"again">((resolve) => socket.once("data", () => resolve("again")));
      socket.write("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n");
      await within(Promise.race([again, closed]), 5_000, "the next answer on the connection, or its end");
      socket.destroy();
      await closed;
    });
  });
});
