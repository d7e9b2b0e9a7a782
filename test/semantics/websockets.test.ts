// 3-semantics.md, "What runs when the request does not end well": case 16.
import { AsyncLocalStorage } from "node:async_hooks";
import {
  App,
  BackgroundTasks,
  currentTask,
  dependency,
  memory,
  task,
  WebSocketConnection,
  WebSocketException,
} from "afterword";
import { describe, expect, test } from "vitest";
import { Recorder } from "../support/recorder.ts";
import { socketHosts } from "../support/sockets.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";

keepTidy();

describe.each(socketHosts)("case 16 over $name", (host) => {
  test("16 tasks of a WebSocket run when it has closed, in order, after the handler", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection, tasks: BackgroundTasks }, async ({ socket, tasks }) => {
      tasks.addTask(() => recorder.add("first"));
      for await (const message of socket) await socket.send(message);
      tasks.addTask(() => recorder.add("second"));
      recorder.add("handler");
    });
    const socket = await host.open(app, "/");
    socket.send("hello");
    expect(await socket.receive()).toBe("hello");
    expect(recorder.events).toEqual([]);
    socket.close(1000);
    await waitUntil(() => recorder.events.length === 3);
    expect(recorder.events).toEqual(["handler", "first", "second"]);
  });

  test("16 tasks of a WebSocket that the server closes run when the client knows of it", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection, tasks: BackgroundTasks }, async ({ socket, tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      await socket.send("bye");
    });
    const socket = await host.open(app, "/");
    expect(await socket.receive()).toBe("bye");
    expect(await socket.closed).toEqual({ code: 1000, reason: "" });
    await waitUntil(() => recorder.events.length === 1);
  });

  test("16 dependencies with clean-up surround the handler; those of scope request surround the tasks too", async () => {
    const recorder = new Recorder();
    const app = new App();
    const scoped = (scope: "function" | "request") =>
      dependency({ scope }, { tasks: BackgroundTasks }, async function* ({ tasks }) {
        recorder.add(`enter ${scope}`);
        tasks.addTask(() => recorder.add(`task of ${scope}`));
        yield scope;
        recorder.add(`exit ${scope}`);
      });
    app.websocket(
      "/",
      { socket: WebSocketConnection, a: scoped("request"), b: scoped("function") },
      async ({ socket }) => {
        await socket.receive();
        recorder.add("handler");
      },
    );
    const socket = await host.open(app, "/");
    expect(recorder.events).toEqual(["enter request", "enter function"]);
    socket.send("x");
    await socket.closed;
    await waitUntil(() => recorder.events.includes("exit request"));
    expect(recorder.events.slice(2)).toEqual([
      "handler",
      "exit function",
      "task of request",
      "task of function",
      "exit request",
    ]);
  });

  test("16 tasks are dropped when the handler fails, unless when says otherwise", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.background.on("dropped", ({ name }) => recorder.add(`dropped ${name}`));
    app.websocket("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "success" }).addTask(() => recorder.add("success"));
      tasks.with({ name: "error", when: "error" }).addTask(() => recorder.add("error"));
      tasks.with({ name: "always", when: "always" }).addTask(() => recorder.add("always"));
      throw new WebSocketException(4001, "no");
    });
    const socket = await host.open(app, "/");
    expect(await socket.closed).toEqual({ code: 4001, reason: "no" });
    await waitUntil(() => recorder.events.length === 3);
    expect(recorder.events).toEqual(["dropped success", "error", "always"]);
  });

  test("16 a client that goes away is no failure: the tasks run, and see it in their request's signal", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.websocket("/", { socket: WebSocketConnection, tasks: BackgroundTasks }, async ({ socket, tasks }) => {
      tasks.addTask(() => recorder.add(`client gone: ${currentTask()!.request!.signal.aborted}`));
      await socket.receive();
    });
    const socket = await host.open(app, "/");
    socket.close(1001);
    await waitUntil(() => recorder.events.length === 1);
    expect(recorder.events).toEqual(["client gone: true"]);
  });

  test("16 handler and tasks see the AsyncLocalStorage of the middleware around them", async () => {
    const recorder = new Recorder();
    const storage = new AsyncLocalStorage<string>();
    const app = new App();
    app.use((_, next) => storage.run("mine", next));
    app.websocket("/", { socket: WebSocketConnection, tasks: BackgroundTasks }, async ({ socket, tasks }) => {
      tasks.addTask(() => recorder.add(`task ${storage.getStore()}`));
      recorder.add(`handler ${storage.getStore()}`);
      await socket.receive();
      recorder.add(`later ${storage.getStore()}`);
    });
    const socket = await host.open(app, "/");
    socket.send("x");
    await socket.closed;
    await waitUntil(() => recorder.events.length === 3);
    expect(recorder.events).toEqual(["handler mine", "later mine", "task mine"]);
  });

  test("16 named tasks of dependencies are stored before the handshake, those of the handler at once", async () => {
    const recorder = new Recorder();
    const note = task(`note-${host.name}`, async (text: string) => recorder.add(text));
    const app = new App({ broker: memory() });
    const early = dependency({ tasks: BackgroundTasks }, ({ tasks }) => tasks.addTask(note, "early"));
    app.websocket(
      "/",
      { early, socket: WebSocketConnection, tasks: BackgroundTasks },
      async ({ early: handle, socket, tasks }) => {
        await handle.stored;
        const late = tasks.addTask(note, "late");
        await late.stored;
        await socket.send("stored");
        await socket.receive();
      },
    );
    const socket = await host.open(app, "/");
    expect(await socket.receive()).toBe("stored");
    await waitUntil(() => recorder.events.length === 2);
    expect(recorder.events.toSorted()).toEqual(["early", "late"]);
    socket.close();
    await socket.closed;
  });
});
