// 3-semantics.md, "Limits and shutdown": cases 27 to 29.
import { setTimeout as delay } from "node:timers/promises";
import {
  App,
  BackgroundTask,
  BackgroundTasks,
  HTTPException,
  TooManyTasksError,
  currentTask,
  dependency,
  json,
  path,
  stream,
  type CloseReport,
  type TaskHandle,
} from "afterword";
import { TestClient } from "afterword/testing";
import { describe, expect, test } from "vitest";
import { startChildApp, type ChildApp } from "../support/child-app.ts";
import { createGate } from "../support/gate.ts";
import { hosts, startApp } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { accepted } from "../support/server-sockets.ts";
import { atLeast, turns, waitUntil, within } from "../support/wait-until.ts";

keepTidy();

describe.each(hosts)("case 27 over $name", (host) => {
  test("27 answers 503 with Retry-After when maxPending tasks wait, and loses nothing of other requests", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const dropped: string[] = [];
    const app = new App({ background: { maxPending: 3 } });
    app.background.on("dropped", ({ name }) => dropped.push(name));
    app.get("/fill", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("first of fill starts");
        await gate.opened;
      });
      tasks.addTask(() => recorder.add("second of fill"));
      tasks.addTask(() => recorder.add("third of fill"));
      return null;
    });
    app.get("/more", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ when: "always" }).addTask(() => recorder.add("always of more"));
      tasks.with({ name: "too many" }).addTask(() => recorder.add("too many"));
      return "accepted";
    });
    app.get("/one", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "one" }).addTask(() => recorder.add("one"));
      tasks.with({ name: "one too many" }).addTask(() => recorder.add("one too many"));
      return "accepted";
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/fill")).status).toBe(200);
    await recorder.when("first of fill starts");

    // Two wait, a third may; the fourth may not.
    for (const path of ["/one", "/more"]) {
      const refused = await session.request("GET", path);
      expect([path, refused.status]).toEqual([path, 503]);
      expect(refused.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
      expect(JSON.parse(refused.text)).toHaveProperty("detail");
      // What is dropped gives its place back.
      await waitUntil(() => dropped.length === 1);
    }
    await recorder.when("always of more");
    expect(dropped).toEqual(["one"]);
    expect(recorder.events).toEqual(["first of fill starts", "always of more"]);

    gate.open();
    await recorder.when("third of fill");
    const accepted = await session.request("GET", "/more");
    expect([accepted.status, accepted.text]).toEqual([200, '"accepted"']);
    await session.finish();
    expect(recorder.events).toEqual([
      "first of fill starts",
      "always of more",
      "second of fill",
      "third of fill",
      "always of more",
      "too many",
    ]);
  });

  test("27 throws a TooManyTasksError from addTask, which a handler may catch", async () => {
    const recorder = new Recorder();
    const app = new App({ background: { maxPending: 2 } });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("1"));
      tasks.addTask(() => recorder.add("2"));
      expect(() => tasks.addTask(() => recorder.add("3"))).toThrow(TooManyTasksError);
      expect(tasks.tasks).toHaveLength(2);
      return "went on without";
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(200);
    await session.finish();
    expect(recorder.events).toEqual(["1", "2"]);
  });

  test("27 counts waiting tasks only: neither running nor ended ones", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = new App({ background: { maxPending: 1 } });
    app.get("/:name", { name: path(), tasks: BackgroundTasks }, ({ name, tasks }) => {
      tasks.addTask(async () => {
        recorder.add(`${name} starts`);
        await gate.opened;
        recorder.add(`${name} ends`);
      });
      return null;
    });
    const session = await host.open(app);
    for (const name of ["a", "b", "c"]) {
      expect((await session.request("GET", `/${name}`)).status).toBe(200);
      await recorder.when(`${name} starts`);
    }
    gate.open();
    for (const name of ["a", "b", "c"]) await recorder.when(`${name} ends`);
    expect((await session.request("GET", "/d")).status).toBe(200);
    await recorder.when("d ends");
  });

  const endings: [string, (tasks: BackgroundTasks) => unknown][] = [
    ["run", (tasks) => tasks.tasks.length],
    ["fail", (tasks) => tasks.tasks.length],
    [
      "are dropped",
      () => {
        throw new HTTPException(400);
      },
    ],
    ["are cleared", (tasks) => (tasks.tasks.length = 0)],
    ["are taken out", (tasks) => tasks.tasks.splice(0, 2).length],
  ];

  test.each(endings)("27 gives the places back of tasks that %s", async (ending, end) => {
    const app = new App({ background: { maxPending: 2, onError: () => {} } });
    let ended = 0;
    const cleanUp = dependency(function* () {
      yield null;
    });
    app.get("/", { cleanUp, tasks: BackgroundTasks }, ({ tasks }) => {
      for (let count = 0; count < 2; count++)
        tasks.addTask(() => {
          if (ending === "fail") throw new Error("of the task");
        });
      return end(tasks);
    });
    app.background.on("succeeded", () => ended++);
    const session = await host.open(app);
    for (let count = 0; count < 5; count++) {
      expect([count, (await session.request("GET", "/")).status]).not.toEqual([count, 503]);
      if (ending === "run") await waitUntil(() => ended === 2 * (count + 1));
      else await turns();
    }
  });

  test("27 gives the place back of a canceled task at once", async () => {
    const app = new App({ background: { maxPending: 1 } });
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      for (let count = 0; count < 5; count++) await tasks.addTask(() => recorder.add("canceled")).cancel();
      tasks.addTask(() => recorder.add("kept"));
      return null;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(200);
    await session.finish();
    expect(recorder.events).toEqual(["kept"]);
  });
});

describe("case 28, close()", () => {
  test("28 stops accepting, finishes responses, drains their tasks and those added meanwhile, then ends the lifespan", async () => {
    const recorder = new Recorder();
    const handlerGate = createGate();
    const taskGate = createGate();
    const app = new App({
      async *lifespan() {
        recorder.add("lifespan starts");
        yield;
        recorder.add("lifespan ends");
      },
    });
    const getSession = dependency(async function* () {
      yield "session";
      recorder.add("dependency closed");
    });
    app.get("/", { session: getSession, tasks: BackgroundTasks }, async ({ tasks }) => {
      recorder.add("handler starts");
      await handlerGate.opened;
      tasks.addTask(async () => {
        recorder.add("task starts");
        await taskGate.opened;
        tasks.addTask(async () => {
          await delay(10);
          recorder.add("task added while draining");
        });
        recorder.add("task ends");
      });
      return "the whole response";
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const exchange = client.send("GET", "/");
    await recorder.when("handler starts");

    const closing = server.close();
    await waitUntil(() => isRefused(server.port), { what: "new connections are refused" });
    handlerGate.open();
    expect((await exchange.response).text).toBe('"the whole response"');
    await recorder.when("task starts");
    await within(client.closed, 5_000, "the connection to close while the task runs");
    await turns(100);
    expect(recorder.has("lifespan ends")).toBe(false);
    taskGate.open();
    const report = await closing;

    expect(recorder.events).toEqual([
      "lifespan starts",
      "handler starts",
      "task starts",
      "task ends",
      "task added while draining",
      "dependency closed",
      "lifespan ends",
    ]);
    expect(report.lost).toEqual([]);
    expect(report.ok).toBe(true);
    expect(await server.close()).toEqual(report);
    expect(recorder.count("lifespan ends")).toBe(1);
  });

  test("28 finishes a streamed response before it closes", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return stream(
        (async function* () {
          yield "first";
          await gate.opened;
          yield "last";
        })(),
      );
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const exchange = client.send("GET", "/");
    await exchange.received("first");
    const closing = server.close();
    await turns();
    expect(recorder.events).toEqual([]);
    gate.open();
    expect((await exchange.response).text).toBe("firstlast");
    expect((await closing).ok).toBe(true);
    expect(recorder.events).toEqual(["task"]);
  });

  test.each([
    ["idle keep-alive connections", true],
    ["connections on which no request has come yet", false],
  ])("28 is not delayed by %s", async (_which, isUsed) => {
    const app = new App({ background: { drainTimeout: "4s" } });
    app.get("/", () => "idle from now on");
    const server = await startApp(app);
    const clients = await Promise.all([RawClient.connect(server.port), RawClient.connect(server.port)]);
    for (const client of clients) {
      await accepted(client);
      if (isUsed) expect((await client.send("GET", "/").response).status).toBe(200);
    }
    await turns();
    expect(clients.map((client) => client.isClosed)).toEqual([false, false]);

    const startedMs = performance.now();
    const report = await server.close();
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(report.ok).toBe(true);
    await within(Promise.all(clients.map((client) => client.closed)), 2_000, "idle connections to be closed");
  });

  test("28 does not keep a connection alive whose response ends while it closes", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = new App();
    app.get("/", async () => {
      recorder.add("handler starts");
      await gate.opened;
      return "whole";
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const exchange = client.send("GET", "/");
    await recorder.when("handler starts");
    const closing = server.close();
    gate.open();
    expect((await exchange.response).text).toBe('"whole"');
    const startedMs = performance.now();
    await closing;
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    await within(client.closed, 2_000, "the connection to be closed");
  });

  test("28 aborts signals after drainTimeout and reports each lost task by name, the waiting ones, too", async () => {
    const recorder = new Recorder();
    const lostEvents: string[] = [];
    const handles: Record<string, TaskHandle> = {};
    const app = new App({
      background: { drainTimeout: "200ms", onError: (error) => recorder.add(`onError: ${String(error)}`) },
      async *lifespan() {
        yield;
        recorder.add("lifespan ends");
      },
    });
    app.background.on("lost", ({ name }) => lostEvents.push(name));
    app.get("/stuck", { tasks: BackgroundTasks }, ({ tasks }) => {
      handles["deaf"] = tasks.with({ name: "deaf" }).addTask(() => {
        recorder.add("deaf starts");
        currentTask().signal.addEventListener("abort", () => recorder.add("deaf is aborted"));
        return new Promise(() => {});
      });
      handles["waiting"] = tasks.with({ name: "waiting" }).addTask(() => recorder.add("waiting runs"));
      return null;
    });
    app.get("/good", { tasks: BackgroundTasks }, ({ tasks }) => {
      handles["listening"] = tasks.with({ name: "listening" }).addTask(async () => {
        const { signal } = currentTask();
        recorder.add("listening starts");
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        recorder.add("listening ends well");
        return "saved";
      });
      return null;
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    await client.send("GET", "/stuck").response;
    await recorder.when("deaf starts");
    await client.send("GET", "/good").response;
    await recorder.when("listening starts");

    const startedMs = performance.now();
    const report = await server.close();
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThanOrEqual(atLeast(200));
    expect(tookMs).toBeLessThan(5_000);
    expect(report.ok).toBe(false);
    expect(report.lost.map(({ name }) => name).toSorted()).toEqual(["deaf", "waiting"]);
    expect(lostEvents.toSorted()).toEqual(["deaf", "waiting"]);
    expect(recorder.events).toContain("deaf is aborted");
    expect(recorder.events).toContain("listening ends well");
    expect(recorder.events).not.toContain("waiting runs");
    expect(recorder.events.at(-1)).toBe("lifespan ends");
    expect(await handles["deaf"]!.done).toMatchObject({ status: "lost" });
    expect(await handles["waiting"]!.done).toMatchObject({ status: "lost" });
    expect(await handles["listening"]!.done).toEqual({ status: "succeeded", value: "saved" });
  });

  test("28 gives up a response that never ends at drainTimeout, and still ends the lifespan", async () => {
    const recorder = new Recorder();
    const app = new App({
      background: { drainTimeout: 150 },
      async *lifespan() {
        yield;
        recorder.add("lifespan ends");
      },
    });
    app.get("/", () => {
      recorder.add("handler starts");
      return new Promise(() => {});
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const exchange = client.send("GET", "/");
    await recorder.when("handler starts");
    const startedMs = performance.now();
    const report = await within(server.close(), 5_000, "the server to close");
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(atLeast(150));
    expect(report.ok).toBe(false);
    await within(client.closed, 2_000, "the connection to be cut");
    expect(exchange.isCut).toBe(true);
    expect(recorder.events).toEqual(["handler starts", "lifespan ends"]);
  });

  test("28 reports the tasks of a response that never ended as lost", async () => {
    const app = new App({ background: { drainTimeout: 100 } });
    const recorder = new Recorder();
    app.get("/silent", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "of a silent handler" }).addTask(() => recorder.add("of a silent handler"));
      recorder.add("silent handler starts");
      return new Promise(() => {});
    });
    app.get("/endless", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "of an endless stream" }).addTask(() => recorder.add("of an endless stream"));
      return (async function* () {
        for (;;) {
          yield "more ";
          await delay(5);
        }
      })();
    });
    const server = await startApp(app);
    const silent = await RawClient.connect(server.port);
    silent.send("GET", "/silent");
    await recorder.when("silent handler starts");
    const endless = await RawClient.connect(server.port);
    await endless.send("GET", "/endless").received("more more");
    const report = await within(server.close(), 6_000, "the server to close");
    expect(report.ok).toBe(false);
    await within(Promise.all([silent.closed, endless.closed]), 2_000, "the connections to be cut");
    // Each ran or is reported, and not both.
    const ends = [...report.lost.map(({ name }) => name), ...recorder.events.slice(1)];
    expect(ends.toSorted()).toEqual(["of a silent handler", "of an endless stream"]);
    expect(report.lost.map(({ name }) => name)).toContain("of a silent handler");
  });

  test("28 starts no task after it has closed, and reports one that is added then as lost", async () => {
    const app = new App({ background: { drainTimeout: 50 } });
    const recorder = new Recorder();
    const gate = createGate();
    let late: TaskHandle | undefined;
    app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      recorder.add("handler starts");
      await gate.opened;
      late = tasks.addTask(() => recorder.add("late task"));
      return null;
    });
    const server = await startApp(app);
    (await RawClient.connect(server.port)).send("GET", "/");
    await recorder.when("handler starts");
    await server.close();
    gate.open();
    await waitUntil(() => late);
    expect(await within(late!.done, 2_000, "the outcome of the late task")).toMatchObject({ status: "lost" });
    await turns();
    expect(recorder.events).toEqual(["handler starts"]);
  });

  test("28 does not wait for ever for clean-up that hangs", async () => {
    const recorder = new Recorder();
    const app = new App({
      background: { drainTimeout: 50 },
      async *lifespan() {
        yield;
        recorder.add("lifespan ends");
      },
    });
    const hangs = dependency(async function* () {
      yield null;
      recorder.add("clean-up starts");
      await new Promise(() => {});
    });
    app.get("/", { hangs }, () => null);
    const server = await startApp(app);
    await (await RawClient.connect(server.port)).send("GET", "/").response;
    await recorder.when("clean-up starts");
    await within(server.close(), 6_000, "the server to close");
    expect(recorder.events).toEqual(["clean-up starts", "lifespan ends"]);
  });

  test("28 closes when the block of await using is left, and touches no signals with signals: false", async () => {
    const recorder = new Recorder();
    const before = [process.listenerCount("SIGTERM"), process.listenerCount("SIGINT")];
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        await delay(20);
        recorder.add("task ends");
      });
      return null;
    });
    let port = 0;
    {
      await using server = await app.listen({ port: 0, signals: false });
      expect([process.listenerCount("SIGTERM"), process.listenerCount("SIGINT")]).toEqual(before);
      ({ port } = server);
      const client = await RawClient.connect(port);
      await client.send("GET", "/").response;
      client.hangUp();
    }
    expect(recorder.events).toEqual(["task ends"]);
    expect(await isRefused(port)).toBe(true);
  });

  test("28 takes its signal handlers away when it has closed", async () => {
    const before = [process.listenerCount("SIGTERM"), process.listenerCount("SIGINT")];
    const app = new App();
    const server = await app.listen({ port: 0 });
    expect([process.listenerCount("SIGTERM"), process.listenerCount("SIGINT")]).toEqual(
      before.map((count) => count + 1),
    );
    await server.close();
    expect([process.listenerCount("SIGTERM"), process.listenerCount("SIGINT")]).toEqual(before);
  });

  test("28 reports a task by the name that its function or with() gave it", async () => {
    const app = new App({ background: { drainTimeout: 0 } });
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      async function sendMail() {
        recorder.add("starts");
        await new Promise(() => {});
      }
      tasks.addTask(sendMail);
      tasks.with({ name: "clean the cache" }).addTask(sendMail);
      return json(null, { background: new BackgroundTask(function countVisit() {}) });
    });
    const server = await startApp(app);
    await (await RawClient.connect(server.port)).send("GET", "/").response;
    await recorder.when("starts");
    const report: CloseReport = await server.close();
    expect(report.lost.map(({ name }) => name)).toEqual(["sendMail", "clean the cache", "countVisit"]);
  });

  test("28 reports the lost tasks of a list that a response carries, the running and the waiting ones", async () => {
    const app = new App({ background: { drainTimeout: "100ms" } });
    const recorder = new Recorder();
    app.get("/", () => {
      const background = new BackgroundTasks([
        new BackgroundTask(function deaf() {
          recorder.add("deaf starts");
          currentTask().signal.addEventListener("abort", () => recorder.add("deaf is aborted"));
          return new Promise(() => {});
        }),
        new BackgroundTask(function waiting() {
          recorder.add("waiting runs");
        }),
      ]);
      background.with({ name: "added" }).addTask(() => recorder.add("added runs"));
      return json(null, { background });
    });
    const server = await startApp(app);
    await (await RawClient.connect(server.port)).send("GET", "/").response;
    await recorder.when("deaf starts");
    const report = await server.close();
    expect(report.lost.map(({ name }) => name)).toEqual(["deaf", "waiting", "added"]);
    expect(report.ok).toBe(false);
    expect(recorder.events).toEqual(["deaf starts", "deaf is aborted"]);
  });
});

describe("case 28, signals", () => {
  const fixture = new URL("./fixtures/shutdown-app.ts", import.meta.url);

  async function start(env: Record<string, string> = {}): Promise<{ child: ChildApp; client: RawClient }> {
    const child = await startChildApp(fixture, { env });
    return { child, client: await RawClient.connect(child.port) };
  }

  test.each(["SIGTERM", "SIGINT"] as const)(
    "28 on %s stops accepting, finishes responses, drains tasks and those added meanwhile, and exits with 0",
    async (signal) => {
      const { child, client } = await start();
      const exchange = client.send("GET", "/work");
      await child.line(/^handler starts$/m);
      child.signal(signal);
      await waitUntil(() => isRefused(child.port), { what: "new connections are refused" });
      child.tell("handler");
      expect((await exchange.response).text).toBe('"the whole response"');
      await child.line(/^task starts$/m);
      await within(client.closed, 5_000, "the connection to close while the task runs");
      expect(child.hasExited).toBe(false);
      child.tell("task");
      const exit = await child.exit();
      expect(exit).toMatchObject({ code: 0, signal: null });
      expect(child.lines).toEqual([
        "handler starts",
        "handler returns",
        "task starts",
        "task ends",
        "task added while draining",
        "dependency closed",
        "lifespan ends",
      ]);
      expect(child.complaints).toEqual([]);
    },
  );

  test("28 exits with 0 at once when nothing is to be done, although a connection is kept alive", async () => {
    const { child, client } = await start();
    expect((await client.send("GET", "/quick").response).text).toBe('"quick"');
    const startedMs = performance.now();
    child.signal("SIGTERM");
    expect(await child.exit()).toMatchObject({ code: 0, signal: null });
    // Node alone would keep an idle connection for five seconds.
    expect(performance.now() - startedMs).toBeLessThan(2_500);
    expect(child.lines).toEqual(["lifespan ends"]);
    await client.closed;
  });

  test("28 aborts after drainTimeout, names each lost task on stderr, ends the lifespan and exits with 1", async () => {
    const { child, client } = await start({ DRAIN_TIMEOUT: "300" });
    expect((await client.send("GET", "/stuck").response).status).toBe(200);
    await child.line(/^deafTask starts$/m);
    const startedMs = performance.now();
    child.signal("SIGTERM");
    const exit = await child.exit();
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(atLeast(300));
    expect(exit).toMatchObject({ code: 1, signal: null });
    expect(child.lines).toEqual(["deafTask starts", "deafTask is aborted", "lifespan ends"]);
    for (const name of ["deafTask", "waitingTask"])
      expect(child.complaints.filter((line) => line.includes(name))).toHaveLength(1);
  });

  test("28 exits at once on a second signal", async () => {
    const { child, client } = await start({ DRAIN_TIMEOUT: "60000" });
    expect((await client.send("GET", "/stuck").response).status).toBe(200);
    await child.line(/^deafTask starts$/m);
    child.signal("SIGTERM");
    await waitUntil(() => isRefused(child.port), { what: "new connections are refused" });
    expect(child.hasExited).toBe(false);
    const startedMs = performance.now();
    child.signal("SIGTERM");
    const exit = await child.exit();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(exit.code).not.toBe(0);
    expect(child.lines).not.toContain("lifespan ends");
  });

  test("28 exits with 0 when a task ends well on the abort", async () => {
    const { child, client } = await start({ DRAIN_TIMEOUT: "200" });
    expect((await client.send("GET", "/listening").response).status).toBe(200);
    await child.line(/^listeningTask starts$/m);
    child.signal("SIGTERM");
    expect(await child.exit()).toMatchObject({ code: 0, signal: null });
    expect(child.lines).toEqual(["listeningTask starts", "listeningTask ends well", "lifespan ends"]);
    expect(child.complaints).toEqual([]);
  });
});

describe("case 29", () => {
  test("29 resolves a call when every task has ended, those added late included", async () => {
    const recorder = new Recorder();
    const app = new App();
    const cleaning = dependency({ tasks: BackgroundTasks }, async function* ({ tasks }) {
      yield null;
      tasks.addTask(async () => {
        await delay(5);
        recorder.add("added by clean-up");
      });
    });
    app.get("/", { cleaning, tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        await delay(20);
        recorder.add("slow");
        tasks.addTask(async () => {
          await delay(5);
          recorder.add("added by a task");
        });
      });
      return stream(
        (async function* () {
          yield "a";
          tasks.addTask(() => recorder.add("added by the producer"));
        })(),
        { background: new BackgroundTask(() => recorder.add("of the response")) },
      );
    });
    await using client = new TestClient(app);
    const response = await client.get("/");
    expect(recorder.events).toEqual([
      "slow",
      "of the response",
      "added by the producer",
      "added by a task",
      "added by clean-up",
    ]);
    expect(await response.text()).toBe("a");
  });

  test("29 resolves after the always tasks of a request that failed, and after tasks that failed", async () => {
    const recorder = new Recorder();
    const app = new App({ background: { onError: (error) => recorder.add(`onError: ${(error as Error).message}`) } });
    app.get("/failed", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("success"));
      tasks.with({ when: "always" }).addTask(async () => {
        await delay(10);
        recorder.add("always");
      });
      throw new HTTPException(400);
    });
    app.get("/failing-task", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        await delay(10);
        throw new Error("of the task");
      });
      return null;
    });
    await using client = new TestClient(app);
    expect((await client.get("/failed")).status).toBe(400);
    expect(recorder.events).toEqual(["always"]);
    expect((await client.get("/failing-task")).status).toBe(200);
    expect(recorder.events).toEqual(["always", "onError: of the task"]);
  });

  test("29 waits for the tasks of its own call, not for those of others", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = new App();
    app.get("/blocked", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => gate.opened);
      return null;
    });
    app.get("/free", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("free"));
      return null;
    });
    await using client = new TestClient(app);
    const blocked = client.get("/blocked").then(() => recorder.add("blocked resolves"));
    await within(client.get("/free"), 5_000, "the free call");
    expect(recorder.events).toEqual(["free"]);
    gate.open();
    await blocked;
    expect(recorder.events).toEqual(["free", "blocked resolves"]);
  });

  test("29 lists what was added, with outcomes", async () => {
    const app = new App({ background: { onError: () => {} } });
    const error = new Error("of the task");
    const sendMail = (to: string) => `mail to ${to}`;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(sendMail, "foo@example.com");
      tasks.with({ name: "failing" }).addTask(() => Promise.reject(error));
      tasks.with({ when: "error", name: "only on error" }).addTask(() => {});
      return null;
    });
    await using client = new TestClient(app);
    await client.get("/");
    expect(client.tasks).toHaveLength(3);
    expect(client.tasks[0]).toMatchObject({
      name: "sendMail",
      args: ["foo@example.com"],
      outcome: { status: "succeeded", value: "mail to foo@example.com" },
    });
    expect(client.tasks[1]).toMatchObject({ name: "failing", outcome: { status: "failed", error } });
    expect(client.tasks[2]).toMatchObject({ name: "only on error", outcome: { status: "dropped" } });
  });

  test("29 lists the tasks of a response, too", async () => {
    const app = new App();
    const welcome = (_to: string) => {};
    app.get("/one", () => json(null, { background: new BackgroundTask(welcome, "a") }));
    app.get("/list", () => {
      const own = new BackgroundTasks([new BackgroundTask(welcome, "b")]);
      own.addTask(welcome, "c");
      return json(null, { background: own });
    });
    await using client = new TestClient(app);
    await client.get("/one");
    await client.get("/list");
    expect(client.tasks.map(({ name, args, outcome }) => [name, args, outcome?.status])).toEqual([
      ["welcome", ["a"], "succeeded"],
      ["welcome", ["b"], "succeeded"],
      ["welcome", ["c"], "succeeded"],
    ]);
  });

  test("29 collects tasks without running them, or skips them", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "collected" }).addTask((name: string) => recorder.add(name), "ran");
      return null;
    });
    await using collecting = new TestClient(app, { tasks: "collect" });
    expect((await collecting.get("/")).status).toBe(200);
    await turns();
    expect(recorder.events).toEqual([]);
    expect(collecting.tasks).toHaveLength(1);
    expect(collecting.tasks[0]).toMatchObject({ name: "collected", args: ["ran"], outcome: undefined });
    await collecting.tasks[0]!.run();
    expect(recorder.events).toEqual(["ran"]);

    const skipping = new TestClient(app, { tasks: "skip" });
    expect((await skipping.get("/")).status).toBe(200);
    await turns();
    expect(recorder.events).toEqual(["ran"]);
    expect(skipping.tasks.map(({ name }) => name)).toEqual(["collected"]);
  });

  test("29 runs the lifespan around its calls with await using", async () => {
    const recorder = new Recorder();
    const app = new App({
      async *lifespan(given) {
        expect(given).toBe(app);
        recorder.add("lifespan starts");
        yield;
        recorder.add("lifespan ends");
      },
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      recorder.add("handler");
      tasks.addTask(() => recorder.add("task"));
      return null;
    });
    {
      await using client = new TestClient(app);
      await client.get("/");
      await client.get("/");
    }
    expect(recorder.events).toEqual(["lifespan starts", "handler", "task", "handler", "task", "lifespan ends"]);
  });

  test("29 answers a server error by default, and throws it with raiseServerErrors once the tasks have ended", async () => {
    const recorder = new Recorder();
    const app = new App();
    const error = new Error("of the handler");
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ when: "always" }).addTask(async () => {
        await delay(5);
        recorder.add("always");
      });
      throw error;
    });
    const client = new TestClient(app, { raiseServerErrors: true });
    await expect(client.get("/")).rejects.toBe(error);
    expect(recorder.events).toEqual(["always"]);

    const { error: print } = console;
    console.error = () => {};
    try {
      await using answering = new TestClient(app);
      expect((await answering.get("/")).status).toBe(500);
    } finally {
      console.error = print;
    }
    expect(recorder.events).toEqual(["always", "always"]);
  });
});

async function isRefused(port: number): Promise<boolean> {
  try {
    const client = await RawClient.connect(port);
    client.reset();
    await client.closed;
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
  }
}
