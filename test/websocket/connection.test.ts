import { App, query, WebSocketClosedError, WebSocketConnection, WebSocketException } from "afterword";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { Recorder } from "../support/recorder.ts";
import { socketHosts } from "../support/sockets.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

describe.each(socketHosts)("a WebSocket over $name", (host) => {
  const echo = (): App => {
    const app = new App();
    app.websocket("/echo", { socket: WebSocketConnection }, async ({ socket }) => {
      for await (const message of socket) await socket.send(message);
    });
    return app;
  };

  test("carries texts and bytes, each as what it is", async () => {
    const socket = await host.open(echo(), "/echo");
    socket.send("grüße 👋");
    socket.send("");
    socket.send(Uint8Array.of(0, 255, 7));
    expect(await socket.receive()).toBe("grüße 👋");
    expect(await socket.receive()).toBe("");
    expect(await socket.receive()).toEqual(Uint8Array.of(0, 255, 7));
    socket.close();
    expect((await socket.closed).code).toSatisfy((code) => code === 1000 || code === 1005);
  });

  test("keeps the order of many messages, also for a handler that is slower than they come", async () => {
    const app = new App();
    const got: number[] = [];
    app.websocket("/", { socket: WebSocketConnection }, async ({ socket }) => {
      for await (const message of socket) {
        got.push(Number(message));
        if (got.length % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
        if (got.length === 1_000) break;
      }
      await socket.send("enough");
    });
    const socket = await host.open(app, "/");
    for (let number = 0; number < 1_000; number++) socket.send(String(number));
    expect(await socket.receive()).toBe("enough");
    expect(got).toEqual(Array.from({ length: 1_000 }, (_, index) => index));
  });

  test("closes with 1000 when the handler returns, after what was sent before", async () => {
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection }, ({ socket }) => {
      void socket.send("last");
    });
    const socket = await host.open(app, "/");
    expect(await socket.receive()).toBe("last");
    expect(await socket.closed).toEqual({ code: 1000, reason: "" });
  });

  test("closes with 1011 when the handler throws, and the error stays on the server's side", async () => {
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection }, () => {
      throw new Error("secret");
    });
    const original = console.error;
    const printed: unknown[][] = [];
    console.error = (...args) => printed.push(args);
    try {
      const socket = await host.open(app, "/");
      expect(await socket.closed).toEqual({ code: 1011, reason: "Internal error" });
    } finally {
      console.error = original;
    }
    expect(String(printed[0]![0])).toContain("WEBSOCKET / was closed with 1011");
    expect(String(printed[0]![1])).toContain("secret");
  });

  test("sends and receives JSON; what is none closes it with 1007, what does not fit the schema with 1008", async () => {
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection }, async ({ socket }) => {
      for (;;) {
        const { n } = await socket.receiveJson(z.object({ n: z.int() }));
        await socket.sendJson({ twice: n * 2 });
      }
    });
    const first = await host.open(app, "/");
    first.send('{"n":21}');
    expect(await first.receive()).toBe('{"twice":42}');
    first.send('{"n":');
    expect(await first.closed).toEqual({ code: 1007, reason: "The message is not JSON" });
    const second = await host.open(app, "/");
    second.send('{"n":"x"}');
    const { code, reason } = await second.closed;
    expect(code).toBe(1008);
    expect(reason).toMatch(/^The message is not valid: n: /);
  });

  test("tells the handler how it was closed, and delivers what came before first", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection }, async ({ socket }) => {
      const info = await socket.closed;
      recorder.add(`${info.code} ${info.reason}`);
      recorder.add(String(await socket.receive()));
      const error = await socket.receive().catch((thrown: unknown) => thrown);
      recorder.add(
        `${error instanceof WebSocketClosedError && error.code} ${(error as WebSocketClosedError).closeCode}`,
      );
      recorder.add(`open: ${socket.isOpen}`);
      await socket.send("x").catch((thrown: unknown) => recorder.add((thrown as WebSocketClosedError).code));
      socket.close();
    });
    const socket = await host.open(app, "/");
    socket.send("before");
    socket.close(4321, "enough");
    await waitUntil(() => recorder.events.length === 5);
    expect(recorder.events).toEqual(["4321 enough", "before", "socket_closed 4321", "open: false", "socket_closed"]);
  });

  test("that closed under a handler ends it without an error", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection, signal: AbortSignal }, async ({ socket, signal }) => {
      signal.addEventListener("abort", () => recorder.add("aborted"));
      try {
        await socket.receive();
      } finally {
        recorder.add("ended");
      }
    });
    const original = console.error;
    console.error = () => recorder.add("printed");
    try {
      const socket = await host.open(app, "/");
      socket.close();
      await waitUntil(() => recorder.events.length === 2);
    } finally {
      console.error = original;
    }
    expect(recorder.events.toSorted()).toEqual(["aborted", "ended"]);
  });

  test("agrees on the first subprotocol of the server's that the client offers", async () => {
    const app = new App();
    app.websocket("/", { protocols: ["v2", "v1"] }, { socket: WebSocketConnection }, async ({ socket }) => {
      await socket.send(`spoken: ${socket.protocol}`);
    });
    const socket = await host.open(app, "/", { protocols: ["v0", "v1", "v2"] });
    expect(socket.protocol).toBe("v2");
    expect(await socket.receive()).toBe("spoken: v2");
  });

  test("refuses wrong calls with errors that say so", async () => {
    const messages: string[] = [];
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection }, async ({ socket }) => {
      for (const call of [
        () => socket.send({ a: 1 } as never),
        () => socket.sendJson(undefined),
        () => socket.close(1006),
        () => socket.close(1000, "x".repeat(124)),
        () =>
          Promise.reject(
            new RangeError(
              (() => {
                try {
                  new WebSocketException(5);
                } catch (error) {
                  return (error as Error).message;
                }
                return "";
              })(),
            ),
          ),
      ])
        try {
          await call();
        } catch (error) {
          messages.push((error as Error).message);
        }
    });
    await (
      await host.open(app, "/")
    ).closed;
    expect(messages).toEqual([
      expect.stringContaining("send() expects a string or a Uint8Array"),
      expect.stringContaining("sendJson() expects a JSON value"),
      expect.stringContaining("but got 1006"),
      expect.stringContaining("at most 123 bytes"),
      expect.stringContaining("but got 5"),
    ]);
  });

  test("reads parameters of its address and its dependencies as any route does", async () => {
    const app = new App();
    app.websocket(
      "/sum",
      { a: query(z.int()), b: query(z.int().default(1)), socket: WebSocketConnection },
      async ({ a, b, socket }) => {
        await socket.sendJson(a + b);
      },
    );
    const socket = await host.open(app, "/sum?a=41");
    expect(await socket.receive()).toBe("42");
  });
});
