import { once } from "node:events";
import { App, BackgroundTasks, WebSocketConnection } from "afterword";
import { TestClient } from "afterword/testing";
import { cors } from "hono/cors";
import { describe, expect, test } from "vitest";
import { startApp } from "../support/hosts.ts";
import { Recorder } from "../support/recorder.ts";
import { connect } from "../support/sockets.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

describe("a server that closes", () => {
  test("closes its WebSockets with 1001, and waits for their handlers and tasks", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection, tasks: BackgroundTasks }, async ({ socket, tasks }) => {
      for await (const _ of socket);
      await new Promise((resolve) => setTimeout(resolve, 50));
      recorder.add("handler");
      tasks.addTask(() => recorder.add("task"));
    });
    const server = await startApp(app);
    const socket = await connect(server.url.replace("http", "ws"));
    const report = await server.close();
    expect(await socket.closed).toEqual({ code: 1001, reason: "The server shuts down" });
    expect(recorder.events).toEqual(["handler", "task"]);
    expect(report).toMatchObject({ ok: true, connectionsCut: 0, finished: 1 });
  });

  test("cuts those whose clients do not answer at the deadline, and says so", async () => {
    const app = new App({ background: { drainTimeout: "200ms" } });
    app.websocket("/", { socket: WebSocketConnection }, async ({ socket }) => void (await socket.closed));
    const server = await startApp(app);
    const socket = await connect(server.url.replace("http", "ws"));
    socket.raw.pause();
    expect(await server.close()).toMatchObject({ ok: false, connectionsCut: 1 });
    socket.raw.terminate();
  });
});

describe("a client", () => {
  test("that gives no sign of life is cut", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.websocket("/", { heartbeat: "50ms" }, { socket: WebSocketConnection }, async ({ socket }) => {
      recorder.add(String((await socket.closed).code));
    });
    const server = await startApp(app);
    const silent = await connect(server.url.replace("http", "ws"));
    const alive = await connect(server.url.replace("http", "ws"));
    silent.raw.pause();
    await waitUntil(() => recorder.events.length === 1);
    expect(recorder.events).toEqual(["1006"]);
    await once(alive.raw, "ping");
    expect(alive.raw.readyState).toBe(alive.raw.OPEN);
    silent.raw.terminate();
    alive.close();
    await waitUntil(() => recorder.events.length === 2);
  });

  test("that sends more than a handler takes is not read from, until it does", async () => {
    const app = new App();
    const start = Promise.withResolvers<void>();
    let received = 0;
    app.websocket("/", { socket: WebSocketConnection }, async ({ socket }) => {
      await start.promise;
      for await (const message of socket) {
        received += message.length;
        if (message.length === 1) break;
      }
    });
    const server = await startApp(app);
    const socket = await connect(server.url.replace("http", "ws"));
    const message = Buffer.alloc(500_000);
    for (let count = 0; count < 100; count++) socket.raw.send(message);
    socket.raw.send("x");
    // What the buffers of both ends and ours hold is far from all.
    let last = -1;
    await waitUntil(async () => {
      const before = last;
      last = socket.raw.bufferedAmount;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return last === before;
    });
    expect(socket.raw.bufferedAmount).toBeGreaterThan(20_000_000);
    start.resolve();
    expect((await socket.closed).code).toBe(1000);
    expect(received).toBe(50_000_001);
  });

  test("that sends a longer message than is allowed is closed with 1009", async () => {
    const app = new App();
    app.websocket("/", { maxMessageBytes: 10 }, { socket: WebSocketConnection }, async ({ socket }) => {
      for await (const message of socket) await socket.send(message);
    });
    const server = await startApp(app);
    const socket = await connect(server.url.replace("http", "ws"));
    socket.send("0123456789");
    expect(await socket.receive()).toBe("0123456789");
    socket.send("0123456789x");
    expect((await socket.closed).code).toBe(1009);
  });

  test("gets the headers that middleware sets, with the handshake", async () => {
    const app = new App();
    app.use(cors());
    app.use(async (context, next) => {
      await next();
      context.res.headers.append("x-mine", "yes");
    });
    app.websocket("/", { socket: WebSocketConnection }, async ({ socket }) => void (await socket.receive()));
    const server = await startApp(app);
    const socket = await connect(server.url.replace("http", "ws"));
    const upgraded = Promise.withResolvers<string>();
    const { WebSocket } = await import("ws");
    const other = new WebSocket(server.url.replace("http", "ws"));
    other.once("upgrade", (response) => upgraded.resolve(String(response.headers["x-mine"])));
    other.once("open", () => other.close());
    expect(await upgraded.promise).toBe("yes");
    await once(other, "close");
    socket.close();
  });

  test("in a browser's words, Node's own WebSocket, talks to it; so does one to an app that is mounted", async () => {
    const inner = new App();
    inner.websocket("/echo", { socket: WebSocketConnection }, async ({ socket }) => {
      for await (const message of socket) await socket.send(message);
    });
    const app = new App();
    app.mount("/inner", inner);
    const server = await startApp(app);
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/inner/echo`);
    await once(socket, "open");
    socket.send("hello");
    const [event] = (await once(socket, "message")) as [MessageEvent];
    expect(event.data).toBe("hello");
    socket.close();
    await once(socket, "close");
  });
});

test("a test socket's closed resolves when the tasks have ended, and a handler's error is thrown where that was asked for", async () => {
  const recorder = new Recorder();
  const app = new App();
  app.websocket("/", { socket: WebSocketConnection, tasks: BackgroundTasks }, async ({ socket, tasks }) => {
    tasks.addTask(async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      recorder.add("task");
    });
    if ((await socket.receive()) === "fail") throw new Error("from the handler");
  });
  await using client = new TestClient(app, { raiseServerErrors: true });
  const socket = await client.websocket("/");
  await socket.send("x");
  await socket.closed;
  expect(recorder.events).toEqual(["task"]);
  expect(client.tasks[0]!.outcome).toMatchObject({ status: "succeeded" });
  const failing = await client.websocket("/");
  await failing.send("fail");
  await expect(failing[Symbol.asyncDispose]()).rejects.toThrow("from the handler");
});
