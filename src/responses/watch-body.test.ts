import { describe, expect, it } from "vitest";
import { BackgroundTask } from "../background/background-task.ts";
import { setImmediate as turn } from "node:timers/promises";
import { takeBackground } from "./attached-background.ts";
import { stream } from "./stream.ts";
import { discardBody, watchBody, type BodyWatcher } from "./watch-body.ts";
import { withBackground } from "./with-background.ts";

class Log implements BodyWatcher {
  readonly calls: string[] = [];
  error: unknown = "none";
  readonly #isBroken: boolean;

  constructor(isBroken = false) {
    this.#isBroken = isBroken;
  }

  completed(): void {
    this.calls.push("completed");
  }
  canceled(): void {
    this.calls.push("canceled");
  }
  failed(error: unknown): boolean {
    this.calls.push("failed");
    this.error = error;
    return this.#isBroken;
  }
}

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** Fails as soon as it is asked for the second chunk. */
function failing(error: unknown): Response {
  let pulls = 0;
  return new Response(
    new ReadableStream(
      {
        pull(controller) {
          if (pulls++ === 0) controller.enqueue(new Uint8Array([1]));
          else controller.error(error);
        },
      },
      { highWaterMark: 0 },
    ),
  );
}

describe("watchBody", () => {
  it("keeps status and headers, passes the very same chunks, and tells the end once", async () => {
    const chunks = [new Uint8Array([1]), new Uint8Array([2, 3])];
    const response = new Response(streamOf(chunks), {
      status: 201,
      statusText: "Made",
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["x-a", "1"],
      ],
    });
    const log = new Log();
    const watched = watchBody(response, log)!;
    expect(watched.status).toBe(201);
    expect(watched.statusText).toBe("Made");
    expect(watched.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(watched.headers.get("x-a")).toBe("1");
    const reader = watched.body!.getReader();
    expect((await reader.read()).value).toBe(chunks[0]);
    expect(log.calls).toEqual([]);
    expect((await reader.read()).value).toBe(chunks[1]);
    expect((await reader.read()).done).toBe(true);
    await reader.cancel();
    expect(log.calls).toEqual(["completed"]);
  });

  it("does not read ahead", async () => {
    let produced = 0;
    function* count(): Generator<string> {
      while (true) yield String(++produced);
    }
    const reader = watchBody(stream(count()), new Log())!.body!.getReader();
    await turn();
    expect(produced).toBe(0);
    await reader.read();
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(produced).toBe(1);
    await reader.cancel();
  });

  it("tells that the consumer went away, and passes the reason on to the producer", async () => {
    let reason: unknown;
    const log = new Log();
    const reader = watchBody(
      new Response(new ReadableStream({ cancel: (given) => void (reason = given) })),
      log,
    )!.body!.getReader();
    const waiting = reader.read();
    await reader.cancel("gone");
    expect(await waiting).toEqual({ done: true, value: undefined });
    await turn();
    expect(reason).toBe("gone");
    expect(log.calls).toEqual(["canceled"]);
  });

  it("tells of the producer's error, and fails with it where the connection stands", async () => {
    const error = new Error("producer");
    const log = new Log();
    const reader = watchBody(failing(error), log)!.body!.getReader();
    await reader.read();
    await expect(reader.read()).rejects.toBe(error);
    await reader.cancel().catch(() => {});
    expect(log).toMatchObject({ calls: ["failed"], error });
  });

  it("tells of a thrown undefined as it is, but fails with an error", async () => {
    const log = new Log();
    const reader = watchBody(failing(undefined), log)!.body!.getReader();
    await reader.read();
    await expect(reader.read()).rejects.toMatchObject({ code: "stream_failed" });
    expect(log).toMatchObject({ calls: ["failed"], error: undefined });
  });

  it("closes where the host has broken the connection already", async () => {
    const log = new Log(true);
    const reader = watchBody(failing(new Error("producer")), log)!.body!.getReader();
    await reader.read();
    expect((await reader.read()).done).toBe(true);
    await reader.cancel();
    expect(log.calls).toEqual(["failed"]);
  });

  it("tells one end only, although the host cancels the body while it is told", async () => {
    const log = new Log(true);
    const watcher: BodyWatcher = {
      completed: () => log.completed(),
      canceled: () => log.canceled(),
      failed(error) {
        void reader.cancel();
        return log.failed(error);
      },
    };
    const reader = watchBody(failing(new Error("producer")), watcher)!.body!.getReader();
    await reader.read();
    expect((await reader.read()).done).toBe(true);
    expect(log.calls).toEqual(["failed"]);
  });

  it("has nothing to watch in a response without a body", () => {
    const log = new Log();
    expect(watchBody(new Response(null, { status: 204 }), log)).toBeUndefined();
    expect(log.calls).toEqual([]);
  });

  it("says so when the body has been read", async () => {
    const response = new Response("x");
    await response.text();
    expect(() => watchBody(response, new Log())).toThrow(expect.objectContaining({ code: "body_used" }));
  });

  it("moves what is attached to the response", () => {
    const task = new BackgroundTask(() => {});
    expect(takeBackground(watchBody(withBackground(new Response("x"), task), new Log())!)).toBe(task);
  });
});

describe("discardBody", () => {
  it("lets the producer clean up", async () => {
    let isCanceled = false;
    discardBody(new Response(new ReadableStream({ cancel: () => void (isCanceled = true) })));
    expect(isCanceled).toBe(true);
    expect(() => discardBody(new Response(null))).not.toThrow();
  });

  it("hides what the clean-up throws", async () => {
    const seen: unknown[] = [];
    const listener = (error: unknown): void => void seen.push(error);
    process.on("unhandledRejection", listener);
    discardBody(
      new Response(
        new ReadableStream({
          cancel() {
            throw new Error("clean-up");
          },
        }),
      ),
    );
    await turn();
    process.off("unhandledRejection", listener);
    expect(seen).toEqual([]);
  });
});
