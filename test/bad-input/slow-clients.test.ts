// Clients that send and read a byte at a time.
import { BackgroundTasks, body, file, form, stream } from "afterword";
import { expect, test } from "vitest";
import * as z from "zod";
import { multipart, multipartType } from "../../src/params/multipart.fixture.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns, within } from "../support/wait-until.ts";
import { besideNeighbors, type Target } from "./beside-neighbors.ts";
import { openRaw } from "./raw-bytes.ts";

keepTidy();

function define({ app, recorder }: Target): void {
  const add = (tasks: BackgroundTasks): void => void tasks.addTask(() => recorder.add("task"));
  app.post("/json", { data: body(z.object({ n: z.int() })), tasks: BackgroundTasks }, ({ data, tasks }) => {
    add(tasks);
    return data;
  });
  app.post(
    "/form",
    { data: form(), photo: file({ optional: true }), tasks: BackgroundTasks },
    async ({ data, photo, tasks }) => {
      add(tasks);
      return { ...data, photo: await photo?.text() };
    },
  );
  app.post("/large", { tasks: BackgroundTasks }, ({ tasks }) => {
    add(tasks);
    return stream(
      (function* () {
        for (let count = 0; count < 64; count++) yield "a".repeat(65_536);
      })(),
    );
  });
}

function withLength(head: string, text: string): string {
  return `${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

const jsonHead = "POST /json HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
const requests: [string, string, unknown][] = [
  ["JSON", withLength(jsonHead, '{"n": 1}'), { n: 1 }],
  [
    "JSON in chunks of a byte",
    `${jsonHead}transfer-encoding: chunked\r\n\r\n${[...'{"n": 1}'].map((char) => `1\r\n${char}\r\n`).join("")}0\r\n\r\n`,
    { n: 1 },
  ],
  [
    "an urlencoded form",
    withLength("POST /form HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n", "a=%C3%A9&b=2"),
    { a: "é", b: "2" },
  ],
  [
    "a multipart form",
    withLength(
      `POST /form HTTP/1.1\r\nhost: x\r\ncontent-type: ${multipartType}\r\n`,
      multipart({ name: "a", content: "é" }, { name: "photo", filename: "p", content: "p\r\n--X" }),
    ),
    { a: "é", photo: "p\r\n--X" },
  ],
];

test.each(requests)("a client that sends %s byte by byte is served", async (_what, text, expected) => {
  await besideNeighbors(define, async ({ port, recorder }) => {
    const { socket, exchange } = await openRaw(port);
    for (const byte of Buffer.from(text)) {
      socket.write(Uint8Array.of(byte));
      await turns(1);
    }
    const response = await within(exchange.response, 5_000, "the answer");
    expect(response.status).toBe(200);
    expect(JSON.parse(response.text)).toEqual(expected);
    socket.destroy();
    await recorder.when("task");
    expect(recorder.count("task")).toBe(1);
  });
});

test.each(requests)(
  "a client that hangs up after each number of bytes of %s loses nothing but its own request",
  async (_what, text) => {
    await besideNeighbors(define, async ({ port, recorder }) => {
      const bytes = Buffer.from(text);
      for (let length = 0; length < bytes.length; length += 3) {
        const { socket, closed } = await openRaw(port);
        await new Promise<void>((resolve) => socket.write(bytes.subarray(0, length), () => resolve()));
        if (length % 2 === 0) socket.destroy();
        else socket.resetAndDestroy();
        await closed;
      }
      await turns();
      expect(recorder.count("task")).toBe(0);
    });
  },
);

test("a client that stops reading a large answer gets it when it goes on, and its task runs after that", async () => {
  await besideNeighbors(define, async ({ port, request, recorder }) => {
    const { socket, exchange } = await openRaw(port);
    socket.write("POST /large HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
    await exchange.head;
    socket.pause();
    for (let count = 0; count < 20; count++)
      expect(
        (await request("POST", "/json", { headers: { "content-type": "application/json" }, body: "{" })).status,
      ).toBe(422);
    expect(recorder.count("task")).toBe(0);
    socket.resume();
    expect((await within(exchange.response, 10_000, "the answer")).body.length).toBe(64 * 65_536);
    await recorder.when("task");
    socket.destroy();
  });
});
