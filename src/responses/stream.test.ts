import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { setImmediate as turn } from "node:timers/promises";
import { jsonLines } from "./json-lines.ts";
import { stream, type StreamContent } from "./stream.ts";

const decoder = new TextDecoder();

async function chunksOf(response: Response): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of response.body!) chunks.push(decoder.decode(chunk));
  return chunks;
}

function webStream(chunks: readonly (string | Uint8Array)[]): ReadableStream<string | Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

const bytes = new Uint8Array([0xc3, 0xbc]);

async function* generate(): AsyncGenerator<string | Uint8Array> {
  yield "a";
  yield bytes;
  yield "";
}

describe("stream", () => {
  it.each<[string, () => StreamContent, string[]]>([
    ["an async generator", generate, ["a", "ü", ""]],
    ["an array", () => ["a", bytes], ["a", "ü"]],
    ["a ReadableStream", () => webStream(["a", bytes]), ["a", "ü"]],
    ["a Node stream", () => Readable.from(["a", "b"], { objectMode: true }), ["a", "b"]],
    ["a string, whole", () => "abc", ["abc"]],
    ["bytes, whole", () => bytes as unknown as StreamContent, ["ü"]],
    ["nothing", () => [], []],
  ])("sends the chunks of %s", async (_, content, chunks) => {
    expect(await chunksOf(stream(content()))).toEqual(chunks);
  });

  it("is text from an iterable and bytes from a stream, unless a header says otherwise", () => {
    const typeOf = (response: Response): string | null => response.headers.get("content-type");
    expect(typeOf(stream(generate()))).toBe("text/plain; charset=utf-8");
    expect(typeOf(stream(webStream([])))).toBe("application/octet-stream");
    expect(typeOf(stream(Readable.from([])))).toBe("application/octet-stream");
    expect(typeOf(stream(generate(), { headers: { "Content-Type": "text/csv" } }))).toBe("text/csv");
  });

  it("starts when it is read, and never runs ahead of the reader", async () => {
    let produced = 0;
    async function* count(): AsyncGenerator<string> {
      while (true) yield String(++produced);
    }
    const reader = stream(count()).body!.getReader();
    for (let read = 0; read < 3; read++) {
      for (let turns = 0; turns < 5; turns++) await turn();
      expect(produced).toBe(read);
      await reader.read();
    }
    await reader.cancel();
  });

  it("lets a generator clean up when the reader leaves", async () => {
    const order: string[] = [];
    async function* open(): AsyncGenerator<string> {
      try {
        while (true) yield "x";
      } finally {
        await turn();
        order.push("closed");
      }
    }
    const reader = stream(open()).body!.getReader();
    await reader.read();
    await reader.cancel();
    expect(order).toEqual(["closed"]);
  });

  it("cancels a ReadableStream and destroys a Node stream that nobody has begun to read", async () => {
    let reason: unknown;
    const web = new ReadableStream({ cancel: (given) => void (reason = given) });
    await stream(web).body!.cancel("gone");
    expect(reason).toBe("gone");
    const node = createReadStream(import.meta.filename);
    await stream(node).body!.cancel();
    expect(node.destroyed).toBe(true);
  });

  it("does not wait for the next chunk of a Node stream when the reader leaves", async () => {
    const silent = new Readable({ read() {} });
    const reader = stream(silent).body!.getReader();
    const read = reader.read();
    await turn();
    await reader.cancel();
    expect(await read).toEqual({ done: true, value: undefined });
    expect(silent.destroyed).toBe(true);
  });

  it("fails with what the producer throws, and says so when that was nothing", async () => {
    const failing = (error: unknown): StreamContent =>
      (function* () {
        yield "a";
        throw error;
      })();
    const error = new Error("database gone");
    await expect(chunksOf(stream(failing(error)))).rejects.toBe(error);
    await expect(chunksOf(stream(failing(undefined)))).rejects.toMatchObject({
      code: "stream_failed",
      message: expect.stringContaining("threw undefined"),
    });
  });

  it("refuses a chunk that is an object, and lets the producer clean up", async () => {
    let isClosed = false;
    async function* rows(): AsyncGenerator<object> {
      try {
        yield { id: 1 };
      } finally {
        isClosed = true;
      }
    }
    await expect(chunksOf(stream(rows() as never))).rejects.toMatchObject({
      code: "invalid_chunk",
      message: expect.stringContaining("jsonLines() or sse()"),
    });
    expect(isClosed).toBe(true);
  });

  it("fails later, and not the process, when a Node stream cannot be opened", async () => {
    const node = createReadStream("/nowhere/at/all");
    const response = stream(node);
    await new Promise<void>((resolve) => void node.on("close", resolve));
    await expect(chunksOf(response)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each([
    ["a number", 5],
    ["null", null],
    ["an object", {}],
  ])("refuses %s", (_, content) => {
    expect(() => stream(content as never)).toThrow(
      /Only an iterable, an async iterable or a ReadableStream can be streamed/,
    );
  });

  it("lets the producer go where the status allows no body", () => {
    let isCanceled = false;
    const response = stream(new ReadableStream({ cancel: () => void (isCanceled = true) }), { status: 204 });
    expect(response.body).toBeNull();
    expect(isCanceled).toBe(true);
  });
});

describe("jsonLines", () => {
  it("writes one JSON text a line", async () => {
    const response = jsonLines([{ text: "two\nlines" }, null, undefined, "ü"]);
    expect(response.headers.get("content-type")).toBe("application/jsonl");
    expect(await chunksOf(response)).toEqual(['{"text":"two\\nlines"}\n', "null\n", "null\n", '"ü"\n']);
  });

  it("fails at a value that JSON cannot take", async () => {
    await expect(chunksOf(jsonLines([1n]))).rejects.toMatchObject({ code: "unserializable_response" });
  });
});
