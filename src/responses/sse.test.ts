import { afterEach, describe, expect, it, vi } from "vitest";
import { formatSseEvent } from "./sse-event.ts";
import { sse } from "./sse.ts";

const decoder = new TextDecoder();

afterEach(() => vi.useRealTimers());

describe("an event", () => {
  it.each<[string, Parameters<typeof formatSseEvent>[0], string]>([
    ["a string", "hello", "data: hello\n\n"],
    ["an object as JSON", { data: { a: 1 } }, 'data: {"a":1}\n\n'],
    ["a string among the fields as it is", { data: "a" }, "data: a\n\n"],
    ["null, false and 0", { data: null }, "data: null\n\n"],
    [
      "every field",
      { comment: "c", event: "e", id: "7", retry: "3s", data: 1 },
      ": c\nevent: e\nid: 7\nretry: 3000\ndata: 1\n\n",
    ],
    ["several lines, however they end", "a\nb\r\nc\rd", "data: a\ndata: b\ndata: c\ndata: d\n\n"],
    ["a comment of two lines", { comment: "a\nb" }, ": a\n: b\n\n"],
    ["an event without data, so that the browser hears it", { event: "end" }, "event: end\ndata: \n\n"],
    ["an empty string", "", "data: \n\n"],
    ["a leading space", " x", "data:  x\n\n"],
  ])("can be %s", (_, item, text) => {
    expect(formatSseEvent(item)).toBe(text);
  });

  it.each([
    { event: "a\nb", data: 1 },
    { id: "a\rb", data: 1 },
    { id: "a\0b", data: 1 },
    { id: 7 as never, data: 1 },
  ])("refuses %j, which is not one line", (item) => {
    expect(() => formatSseEvent(item)).toThrow(expect.objectContaining({ code: "invalid_event" }));
  });

  it.each([[{ price: 3 } as never], [{}], [5 as never], [null as never]])("refuses %j", (item) => {
    expect(() => formatSseEvent(item)).toThrow(expect.objectContaining({ code: "invalid_event" }));
  });
});

describe("sse", () => {
  it("has the headers that keep caches and proxies out of the way", () => {
    expect([...sse([]).headers]).toEqual([
      ["cache-control", "no-cache"],
      ["content-type", "text/event-stream"],
      ["x-accel-buffering", "no"],
    ]);
    expect(sse([], { headers: { "cache-control": "no-store" } }).headers.get("cache-control")).toBe("no-store");
  });

  it("sends one chunk for each event", async () => {
    const chunks: string[] = [];
    for await (const chunk of sse(["a", { event: "e", data: [1] }]).body!) chunks.push(decoder.decode(chunk));
    expect(chunks).toEqual(["data: a\n\n", "event: e\ndata: [1]\n\n"]);
  });

  it("pings in every silence of 15 s, loses no event to a ping, and leaves no timer", async () => {
    vi.useFakeTimers();
    const gate = Promise.withResolvers<void>();
    async function* events(): AsyncGenerator<string> {
      yield "first";
      await gate.promise;
      yield "second";
    }
    const reader = sse(events()).body!.getReader();
    const read = async (): Promise<string> => decoder.decode((await reader.read()).value);
    expect(await read()).toBe("data: first\n\n");
    expect(vi.getTimerCount()).toBe(0);
    for (let pings = 0; pings < 2; pings++) {
      const next = read();
      await vi.advanceTimersByTimeAsync(14_999);
      expect(vi.getTimerCount()).toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(await next).toBe(": ping\n\n");
      expect(vi.getTimerCount()).toBe(0);
    }
    // It comes while nobody waits, and is kept.
    gate.resolve();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await read()).toBe("data: second\n\n");
    expect((await reader.read()).done).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves no timer and lets the producer clean up when the reader leaves", async () => {
    vi.useFakeTimers();
    let reason: unknown;
    const reader = sse(new ReadableStream<string>({ cancel: (given) => void (reason = given) })).body!.getReader();
    void reader.read();
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(1);
    await reader.cancel("gone");
    expect(vi.getTimerCount()).toBe(0);
    expect(reason).toBe("gone");
  });

  it("leaves no timer either when the producer is busy and cannot be stopped", async () => {
    vi.useFakeTimers();
    // eslint-disable-next-line require-yield
    async function* stuck(): AsyncGenerator<string> {
      await new Promise(() => {});
    }
    const reader = sse(stuck()).body!.getReader();
    const waiting = reader.read();
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(1);
    void reader.cancel();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("passes the producer's error on, also after a ping", async () => {
    vi.useFakeTimers();
    const gate = Promise.withResolvers<void>();
    // eslint-disable-next-line require-yield
    async function* events(): AsyncGenerator<string> {
      await gate.promise;
      throw new Error("feed gone");
    }
    const reader = sse(events(), { keepAlive: "1s" }).body!.getReader();
    const first = reader.read();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(decoder.decode((await first).value)).toBe(": ping\n\n");
    gate.resolve();
    await expect(reader.read()).rejects.toThrow("feed gone");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("never pings with keepAlive: false, and refuses what is no duration", async () => {
    vi.useFakeTimers();
    const reader = sse(new ReadableStream<string>(), { keepAlive: false }).body!.getReader();
    void reader.read();
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(0);
    await reader.cancel();
    expect(() => sse([], { keepAlive: "soon" as never })).toThrow("keepAlive must be");
    expect(() => sse([], { keepAlive: 0 })).toThrow("keepAlive must be");
  });
});
