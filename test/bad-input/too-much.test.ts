// More than a server takes: of headers, and of a body.
import { BackgroundTasks, body, file, form } from "afterword";
import { describe, expect, test } from "vitest";
import { boundary, multipartType } from "../../src/params/multipart.fixture.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil, within } from "../support/wait-until.ts";
import { besideNeighbors, type Attack, type Target } from "./beside-neighbors.ts";
import { openRaw } from "./raw-bytes.ts";

keepTidy();

const maxBodyBytes = 100_000;
const piece = Buffer.alloc(64 * 1024, "a");
const total = 10 * 2 ** 20;

function define({ app, recorder }: Target): void {
  app.post("/json", { data: body(), tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(() => recorder.add("task"));
    return {};
  });
  app.post("/form", { data: form(), tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(() => recorder.add("task"));
    return {};
  });
  app.post("/file", { data: file({ maxBytes: 3 * 2 ** 20 }), tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(() => recorder.add("task"));
    return {};
  });
  app.post("/unread", { tasks: BackgroundTasks }, ({ tasks }) => {
    tasks.addTask(() => recorder.add("task"));
    return {};
  });
}

interface Upload {
  readonly head: string;
  readonly first?: string;
  readonly isChunked?: boolean;
}

/** Writes a head and then as much as the server lets it, up to 10 MiB, while it reads; the status that it gets. */
async function push({ port }: Attack, { head, first = "", isChunked = false }: Upload): Promise<number> {
  const { socket, exchange, closed } = await openRaw(port);
  const write = (bytes: Uint8Array): void => {
    if (!isChunked) return void socket.write(bytes);
    socket.write(`${bytes.length.toString(16)}\r\n`);
    socket.write(bytes);
    socket.write("\r\n");
  };
  socket.write(head);
  if (first !== "") write(Buffer.from(first));
  for (let sent = 0; sent < total && !socket.destroyed && !exchange.isDone; sent += piece.length) {
    write(piece);
    await waitUntil(() => !socket.writableNeedDrain || socket.destroyed || exchange.isDone, {
      what: "the server reads",
    });
  }
  const { status } = await within(exchange.response, 5_000, "the answer");
  socket.destroy();
  await closed;
  return status;
}

describe("ten mebibytes of headers", () => {
  test.each([
    ["in one header", (piece: string) => piece],
    ["in many headers", (piece: string) => `\r\nx-${piece.slice(0, 60)}: ${piece.slice(0, 100)}`],
  ])("%s are answered with 431, and the server lives", async (_what, toText) => {
    await besideNeighbors(define, async (attack) => {
      for (let round = 0; round < 3; round++) {
        const { socket, exchange, closed } = await openRaw(attack.port);
        socket.write("POST /json HTTP/1.1\r\nhost: x\r\nx-long: ");
        for (let sent = 0; sent < total && !socket.destroyed && !exchange.isDone;) {
          const text = toText("a".repeat(60_000));
          socket.write(text);
          sent += text.length;
          await waitUntil(() => !socket.writableNeedDrain || socket.destroyed || exchange.isDone);
        }
        expect((await exchange.head).status).toBe(431);
        await within(closed, 5_000, "the server to close the connection");
      }
      expect(attack.recorder.count("task")).toBe(0);
    });
  });

  test("in the address are answered with 431 or 414", async () => {
    await besideNeighbors(define, async ({ port }) => {
      const { socket, exchange, closed } = await openRaw(port, "GET");
      socket.write(`GET /${"a".repeat(total)}`);
      expect([414, 431]).toContain((await exchange.head).status);
      await within(closed, 5_000, "the server to close the connection");
    });
  });

  test("after a chunked body, as trailers, end the connection", async () => {
    await besideNeighbors(define, async ({ port, recorder }) => {
      const { socket, exchange, closed } = await openRaw(port);
      socket.write(
        "POST /json HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
      );
      socket.write("2\r\n{}\r\n0\r\nx-long: ");
      socket.write("a".repeat(total));
      await within(closed, 5_000, "the server to close the connection");
      await exchange.head.then(
        ({ status }) => expect([400, 431]).toContain(status),
        () => {},
      );
      expect(recorder.count("task")).toBe(0);
    });
  });
});

describe("a body over the limit", () => {
  const jsonHead = "POST /json HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  const urlHead = "POST /form HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n";
  const multipartHead = `POST /form HTTP/1.1\r\nhost: x\r\ncontent-type: ${multipartType}\r\n`;
  const fileHead = `POST /file HTTP/1.1\r\nhost: x\r\ncontent-type: ${multipartType}\r\n`;
  const textPart = `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n`;
  const filePart = `--${boundary}\r\nContent-Disposition: form-data; name="data"; filename="a"\r\n\r\n`;
  const kinds: [string, { head: string; first?: string }][] = [
    ["of JSON", { head: jsonHead }],
    ["of an urlencoded form", { head: urlHead }],
    ["of a multipart form", { head: multipartHead, first: textPart }],
    ["with a file", { head: fileHead, first: filePart }],
  ];

  test.each(kinds)(
    "%s that tells its length is answered with 413, which reaches the client",
    async (_what, { head, first }) => {
      await besideNeighbors(
        define,
        async (attack) => {
          for (let round = 0; round < 5; round++)
            expect(
              await push(attack, {
                head: `${head}content-length: ${total + (first?.length ?? 0)}\r\n\r\n`,
                first: first ?? "",
              }),
            ).toBe(413);
          expect(attack.recorder.count("task")).toBe(0);
        },
        { maxBodyBytes },
      );
    },
  );

  test.each(kinds)(
    "%s that comes in chunks is answered with 413, which reaches the client",
    async (_what, { head, first }) => {
      await besideNeighbors(
        define,
        async (attack) => {
          for (let round = 0; round < 5; round++)
            expect(
              await push(attack, {
                head: `${head}transfer-encoding: chunked\r\n\r\n`,
                first: first ?? "",
                isChunked: true,
              }),
            ).toBe(413);
          expect(attack.recorder.count("task")).toBe(0);
        },
        { maxBodyBytes },
      );
    },
  );

  test.each(kinds)(
    "%s is answered with 413 also to a client that reads only when it has sent all",
    async (_what, { head, first }) => {
      await besideNeighbors(
        define,
        async ({ port }) => {
          const { socket, exchange } = await openRaw(port);
          socket.pause();
          const bytes = 6 * 2 ** 20;
          socket.write(`${head}content-length: ${bytes}\r\n\r\n${first ?? ""}`);
          const rest = bytes - (first?.length ?? 0);
          await new Promise<void>((resolve) => socket.write(Buffer.alloc(rest, "a"), () => resolve()));
          socket.resume();
          expect((await within(exchange.response, 5_000, "the answer")).status).toBe(413);
          socket.destroy();
        },
        { maxBodyBytes },
      );
    },
  );

  test("that nobody reads does not keep a request from its answer and its task", async () => {
    await besideNeighbors(
      define,
      async (attack) => {
        expect(
          await push(attack, { head: `POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: ${total}\r\n\r\n` }),
        ).toBe(200);
        expect(
          await push(attack, {
            head: `POST /unread HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`,
            isChunked: true,
          }),
        ).toBe(200);
        await waitUntil(() => attack.recorder.count("task") === 2);
      },
      { maxBodyBytes },
    );
  });

  test("is not asked for when the client waits for 100 Continue", async () => {
    await besideNeighbors(
      define,
      async ({ port, recorder }) => {
        const { socket, exchange } = await openRaw(port);
        socket.write(`${jsonHead}content-length: ${total}\r\nexpect: 100-continue\r\n\r\n`);
        expect((await within(exchange.response, 5_000, "the answer")).status).toBe(413);
        socket.destroy();
        expect(recorder.count("task")).toBe(0);
      },
      { maxBodyBytes },
    );
  });
});
