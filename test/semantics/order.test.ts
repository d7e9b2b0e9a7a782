// 3-semantics.md, "When and in which order": cases 1 to 8.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextImmediate, setTimeout as delay } from "node:timers/promises";
import {
  App,
  BackgroundTask,
  BackgroundTasks,
  Router,
  dependency,
  json,
  jsonLines,
  sendFile,
  sse,
  stream,
  text,
  withBackground,
} from "afterword";
import { compress } from "hono/compress";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { secureHeaders } from "hono/secure-headers";
import { timing } from "hono/timing";
import { describe, expect, test } from "vitest";
import { createGate } from "../support/gate.ts";
import { hosts, startApp } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { Recorder } from "../support/recorder.ts";
import { accepted, onServerWrite, serverSocketOf } from "../support/server-sockets.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { toByteStream } from "../support/byte-stream.ts";
import { keepTidy } from "../support/tidy.ts";
import { atLeast, turns, waitUntil, within } from "../support/wait-until.ts";

keepTidy();

/** More than the buffers of both ends of a local connection hold. */
const largeBytes = 64 * 1024 * 1024;

describe.each(hosts)("case 1 over $name", (host) => {
  test("1 keeps the order: handler returns, head, body, first task", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("first task"));
      tasks.addTask(() => recorder.add("second task"));
      recorder.add("handler returns");
      return { message: "the body" };
    });

    if (host.name === "socket") {
      const server = await startApp(app);
      const client = await RawClient.connect(server.port);
      await accepted(client);
      onServerWrite(client, (written) => {
        if (written.includes("HTTP/1.1 200")) recorder.add("head");
        if (written.includes("the body")) recorder.add("body");
      });
      expect((await client.send("GET", "/").response).text).toBe('{"message":"the body"}');
    } else {
      const session = await host.open(app);
      const answer = await session.begin("GET", "/");
      recorder.add("head");
      await turns();
      expect(await answer.rest()).toBe('{"message":"the body"}');
      recorder.add("body");
    }

    await recorder.when("second task");
    expect(recorder.events).toEqual(["handler returns", "head", "body", "first task", "second task"]);
  });

  test("1 gives the client its whole response while a task still runs", async () => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("task starts");
        await gate.opened;
        recorder.add("task ends");
      });
      return "x".repeat(100_000);
    });
    const session = await host.open(app);

    const answer = await within(session.request("GET", "/"), 5_000, "the response");
    expect(answer.text).toHaveLength(100_002);
    await recorder.when("task starts");
    expect(recorder.events).toEqual(["task starts"]);

    gate.open();
    await session.finish();
    expect(recorder.events).toEqual(["task starts", "task ends"]);
  });

  test("1 starts no task before the last chunk of a response that comes in pieces", async () => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return new Response(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode("first"));
            await gate.opened;
            controller.enqueue(new TextEncoder().encode("last"));
            controller.close();
          },
        }),
      );
    });
    const session = await host.open(app);
    const answer = await session.begin("GET", "/");
    await answer.received("first");
    await turns();
    expect(recorder.events).toEqual([]);

    gate.open();
    expect(await answer.rest()).toBe("firstlast");
    await recorder.when("task");
  });

  test("1 answers at once while a task of one second runs, and a second request as well", async () => {
    const times: Record<string, number> = {};
    const recorder = new Recorder();
    const app = new App();
    app.get("/slow", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        times["start"] = performance.now();
        await delay(1_000);
        times["end"] = performance.now();
        recorder.add("task ends");
      });
      return "slow";
    });
    app.get("/quick", () => "quick");
    const session = await host.open(app);

    expect((await session.request("GET", "/slow")).text).toBe('"slow"');
    expect((await session.request("GET", "/quick")).text).toBe('"quick"');
    const answeredMs = performance.now();
    expect(recorder.events).toEqual([]);

    await recorder.when("task ends");
    expect(times["end"]! - times["start"]!).toBeGreaterThanOrEqual(atLeast(1_000));
    expect(answeredMs).toBeLessThan(times["end"]!);
    expect(answeredMs - times["start"]!).toBeLessThan(700);
  });
});

describe("case 1 on the wire", () => {
  test("1 starts tasks only after the last byte of the response was handed to the socket", async () => {
    const recorder = new Recorder();
    let queuedAtStart: number | undefined;
    let writtenAtStart: number | undefined;
    const app = new App();
    app.get("/large", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => {
        const socket = serverSocketOf(client);
        queuedAtStart = socket.writableLength;
        writtenAtStart = socket.bytesWritten;
        recorder.add("task");
      });
      return new Response(new Uint8Array(largeBytes));
    });
    app.get("/ping", () => "pong");
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const exchange = client.send("GET", "/large");
    await exchange.head;
    client.pause();

    const other = await RawClient.connect(server.port);
    for (let count = 0; count < 20; count++) expect((await other.send("GET", "/ping").response).text).toBe('"pong"');
    await turns();
    expect(serverSocketOf(client).writableLength).toBeGreaterThan(0);
    expect(recorder.events).toEqual([]);

    client.resume();
    const response = await exchange.response;
    expect(response.body).toHaveLength(largeBytes);
    await recorder.when("task");
    expect(queuedAtStart).toBe(0);
    expect(writtenAtStart).toBe(response.wireBytes);
  });

  test("1 starts tasks only after the last byte of a large stream was handed to the socket", async () => {
    const recorder = new Recorder();
    const chunk = new Uint8Array(1024 * 1024);
    const app = new App();
    app.get("/large", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => {
        expect(serverSocketOf(client).writableLength).toBe(0);
        recorder.add("task");
      });
      return stream(
        (function* () {
          for (let sent = 0; sent < largeBytes; sent += chunk.length) yield chunk;
          recorder.add("producer ends");
        })(),
      );
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const exchange = client.send("GET", "/large");
    await exchange.head;
    client.pause();
    await waitUntil(() => serverSocketOf(client).writableLength > 0);
    await turns(50);
    expect(recorder.events).toEqual([]);

    client.resume();
    expect((await exchange.response).body).toHaveLength(largeBytes);
    await recorder.when("task");
    expect(recorder.events).toEqual(["producer ends", "task"]);
  });

  test("1 answers a second request on the same keep-alive connection at once, and runs its tasks, while a task of the first runs", async () => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App();
    app.get("/first", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("task of first starts");
        await gate.opened;
        recorder.add("task of first ends");
      });
      return "first";
    });
    app.get("/second", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task of second"));
      return "second";
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);

    const first = await within(client.send("GET", "/first").response, 5_000, "the first response");
    expect(first.text).toBe('"first"');
    expect(first.headers.get("connection")).not.toBe("close");
    await recorder.when("task of first starts");
    const second = await within(client.send("GET", "/second").response, 5_000, "the second response");
    expect(second.text).toBe('"second"');
    await recorder.when("task of second");
    expect(recorder.events).toEqual(["task of first starts", "task of second"]);
    expect(client.isClosed).toBe(false);

    gate.open();
    await recorder.when("task of first ends");
    expect((await client.send("GET", "/second").response).text).toBe('"second"');
  });

  test("1 runs tasks on a connection that closes after the response as well", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("task starts");
        await gate.opened;
      });
      return "bye";
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const response = await client.send("GET", "/", { headers: { connection: "close" } }).response;
    expect(response.text).toBe('"bye"');
    await recorder.when("task starts");
    await within(client.closed, 5_000, "the connection to close while the task runs");
  });
});

describe("case 1 in memory", () => {
  test("1 starts no task before the body has been read to its end", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return "unread";
    });
    const waited: Promise<unknown>[] = [];
    const context = { waitUntil: (promise: Promise<unknown>) => waited.push(promise), passThroughOnException() {} };
    const response = await app.fetch(new Request("http://127.0.0.1/"), undefined, context);
    await turns();
    expect(recorder.events).toEqual([]);
    expect(waited).toHaveLength(1);

    expect(await response.text()).toBe('"unread"');
    await Promise.all(waited);
    expect(recorder.events).toEqual(["task"]);
  });

  test("1 runs tasks without an execution context too", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return "read";
    });
    const response = await app.fetch(new Request("http://127.0.0.1/"));
    expect(await response.text()).toBe('"read"');
    await recorder.when("task");
  });
});

describe.each(hosts)("case 2 over $name", (host) => {
  test("2 runs tasks first in, first out, each after the end of the one before, whatever they take", async () => {
    const recorder = new Recorder();
    const app = new App();
    const slow = async (name: string, ms: number) => {
      recorder.add(`${name} starts`);
      await delay(ms);
      recorder.add(`${name} ends`);
    };
    const quick = (name: string) => {
      recorder.add(`${name} starts`);
      recorder.add(`${name} ends`);
    };
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(slow, "1", 40);
      tasks.addTask(quick, "2");
      tasks.addTask(slow, "3", 20);
      tasks.addTask(slow, "4", 0);
      tasks.addTask(quick, "5");
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["1", "2", "3", "4", "5"].flatMap((name) => [`${name} starts`, `${name} ends`]));
  });

  test("2 starts the second task only when the first has ended", async () => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("first starts");
        await gate.opened;
      });
      tasks.addTask(() => recorder.add("second starts"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await recorder.when("first starts");
    await turns();
    expect(recorder.events).toEqual(["first starts"]);
    gate.open();
    await recorder.when("second starts");
  });

  test("2 runs a task that a running task adds, at the end", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => {
        recorder.add("1");
        tasks.addTask(() => {
          recorder.add("added by 1");
          tasks.addTask(async () => {
            await nextImmediate();
            recorder.add("added by the added");
          });
        });
      });
      tasks.addTask(async () => {
        recorder.add("2");
        await nextImmediate();
        tasks.addTask(() => recorder.add("added by 2 after an await"));
      });
      tasks.addTask(() => recorder.add("3"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["1", "2", "3", "added by 1", "added by 2 after an await", "added by the added"]);
  });

  test("2 runs a task that the last running task adds at its very end", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        await delay(5);
        recorder.add("last");
        tasks.addTask(() => recorder.add("added"));
      });
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["last", "added"]);
  });

  test("2 takes about 300 ms for three tasks of 100 ms", async () => {
    const starts: number[] = [];
    const ends: number[] = [];
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      for (let count = 0; count < 3; count++)
        tasks.addTask(async () => {
          starts.push(performance.now());
          await delay(100);
          ends.push(performance.now());
        });
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(ends).toHaveLength(3);
    const tookMs = ends[2]! - starts[0]!;
    expect(tookMs).toBeGreaterThanOrEqual(3 * atLeast(100));
    expect(tookMs).toBeLessThan(900);
    expect(starts[1]).toBeGreaterThanOrEqual(ends[0]!);
    expect(starts[2]).toBeGreaterThanOrEqual(ends[1]!);
  });

  test("2 runs as many tasks of a request at once as background.concurrency says, and starts them in order", async () => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App({ background: { concurrency: 2 } });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      for (const name of ["1", "2", "3"])
        tasks.addTask(async () => {
          recorder.add(`${name} starts`);
          await gate.opened;
        });
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await recorder.when("2 starts");
    await turns();
    expect(recorder.events).toEqual(["1 starts", "2 starts"]);
    gate.open();
    await session.finish();
    expect(recorder.events).toEqual(["1 starts", "2 starts", "3 starts"]);
  });

  test("2 lets the tasks of two requests run at the same time", async () => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App();
    app.get("/blocked", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("blocked starts");
        await gate.opened;
        recorder.add("blocked ends");
      });
      return null;
    });
    app.get("/free", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("free"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/blocked");
    await recorder.when("blocked starts");
    await session.request("GET", "/free");
    await recorder.when("free");
    gate.open();
    await session.finish();
    expect(recorder.events).toEqual(["blocked starts", "free", "blocked ends"]);
  });
});

describe.each(hosts)("case 3 over $name", (host) => {
  test("3 passes one object through app, routers, route, parameters in their order with sub-dependencies first, and the endpoint", async () => {
    const recorder = new Recorder();
    const seen = new Set<BackgroundTasks>();
    const adds = (name: string) => (tasks: BackgroundTasks) => {
      seen.add(tasks);
      tasks.addTask(() => recorder.add(name));
    };
    const adding = (name: string) => dependency({ tasks: BackgroundTasks }, ({ tasks }) => adds(name)(tasks));

    const sub = adding("sub-dependency of z");
    const z = dependency({ sub, tasks: BackgroundTasks }, async ({ tasks }) => {
      await nextImmediate();
      adds("z")(tasks);
    });
    const inner = new Router({ prefix: "/inner", dependencies: [adding("inner router")] });
    inner.get(
      "/",
      { dependencies: [adding("route 1"), adding("route 2")] },
      { z, tasks: BackgroundTasks, a: adding("a") },
      ({ tasks }) => {
        adds("endpoint")(tasks);
        return null;
      },
    );
    const outer = new Router({ prefix: "/outer", dependencies: [adding("outer router")] });
    outer.include(inner);
    const app = new App({ dependencies: [adding("app")] });
    app.include(outer);

    const session = await host.open(app);
    expect((await session.request("GET", "/outer/inner")).status).toBe(200);
    await session.finish();
    expect(recorder.events).toEqual([
      "app",
      "outer router",
      "inner router",
      "route 1",
      "route 2",
      "sub-dependency of z",
      "z",
      "a",
      "endpoint",
    ]);
    expect(seen.size).toBe(1);
  });

  test("3 makes another object for each request", async () => {
    const seen = new Set<BackgroundTasks>();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      expect(tasks).toBeInstanceOf(BackgroundTasks);
      expect(tasks.tasks).toHaveLength(0);
      seen.add(tasks);
      tasks.addTask(() => {});
      return null;
    });
    const session = await host.open(app);
    await Promise.all([session.request("GET", "/"), session.request("GET", "/")]);
    await session.request("GET", "/");
    expect(seen.size).toBe(3);
  });

  test("3 lets a cached dependency add its tasks once, and one with cache: false at each use", async () => {
    const recorder = new Recorder();
    const cached = dependency({ tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("cached"));
      return {};
    });
    const fresh = dependency({ cache: false }, { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("fresh"));
      return {};
    });
    const user1 = dependency({ cached, fresh }, (values) => values);
    const user2 = dependency({ cached, fresh }, (values) => values);
    const app = new App({ dependencies: [cached, fresh] });
    app.get("/", { cached, fresh, user1, user2 }, (values) => {
      expect(values.user1.cached).toBe(values.cached);
      expect(values.user2.cached).toBe(values.cached);
      expect(new Set([values.fresh, values.user1.fresh, values.user2.fresh]).size).toBe(3);
      return null;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(200);
    await session.finish();
    expect(recorder.count("cached")).toBe(1);
    expect(recorder.count("fresh")).toBe(4);
  });
});

describe.each(hosts)("case 4 over $name", (host) => {
  test("4 holds arguments by reference", async () => {
    const seen: unknown[] = [];
    const order = { id: 1, lines: ["a"] };
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const task = (given: object, list: string[]) => seen.push(given, list, structuredClone(given));
      tasks.addTask(task, order, order.lines);
      order.id = 2;
      order.lines.push("b");
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(seen[0]).toBe(order);
    expect(seen[1]).toBe(order.lines);
    expect(seen[2]).toEqual({ id: 2, lines: ["a", "b"] });
  });

  test("4 shows the tasks as a plain array of BackgroundTask", async () => {
    const seen: unknown[] = [];
    const app = new App();
    const one = (_value: number) => {};
    const first = dependency({ tasks: BackgroundTasks }, ({ tasks }) => void tasks.addTask(one, 7));
    app.get("/", { first, tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => {});
      seen.push(Array.isArray(tasks.tasks), Object.getPrototypeOf(tasks.tasks) === Array.prototype);
      seen.push(
        tasks.tasks.length,
        tasks.tasks.every((task) => task instanceof BackgroundTask),
      );
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    expect(seen).toEqual([true, true, 2, true]);
  });

  test("4 does not run what was cleared from the array, and runs what is added afterwards", async () => {
    const recorder = new Recorder();
    const outcomes: Promise<unknown>[] = [];
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      outcomes.push(tasks.addTask(() => recorder.add("cleared 1")).done);
      tasks.addTask(() => recorder.add("cleared 2"));
      tasks.tasks.length = 0;
      tasks.addTask(() => recorder.add("kept 1"));
      tasks.addTask(() => recorder.add("removed"));
      tasks.addTask(() => recorder.add("kept 2"));
      tasks.tasks.splice(1, 1);
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["kept 1", "kept 2"]);
    expect(await within(outcomes[0]!, 1_000, "the outcome of a cleared task")).toMatchObject({ status: "dropped" });
  });

  test("4 lets a running task clear those that wait", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => {
        recorder.add("clears");
        tasks.tasks.length = 0;
        tasks.addTask(() => recorder.add("added after clearing"));
      });
      tasks.addTask(() => recorder.add("cleared"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["clears", "added after clearing"]);
  });

  test("4 lets a dependency return the object that it was given", async () => {
    const recorder = new Recorder();
    const getTasks = dependency({ tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("from dependency"));
      return tasks;
    });
    const app = new App();
    app.get("/", { returned: getTasks, tasks: BackgroundTasks }, ({ returned, tasks }) => {
      expect(returned).toBe(tasks);
      returned.addTask(() => recorder.add("from endpoint"));
      return null;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(200);
    await session.finish();
    expect(recorder.events).toEqual(["from dependency", "from endpoint"]);
  });
});

describe.each(hosts)("case 5 over $name", (host) => {
  test("5 runs a synchronous function", async () => {
    const recorder = new Recorder();
    const values: unknown[] = [];
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const handle = tasks.addTask(
        (name: string, count: number) => {
          recorder.add(name);
          return count + 1;
        },
        "sync",
        1,
      );
      void handle.done.then((outcome) => values.push(outcome));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["sync"]);
    expect(values).toEqual([{ status: "succeeded", value: 2 }]);
  });

  test.each([
    ["a lambda that returns a promise", (work: () => Promise<string>) => () => work()],
    ["an async function", (work: () => Promise<string>) => async () => work()],
    [
      "a thenable that is no promise",
      (work: () => Promise<string>) => () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- the case
        then(resolve: (value: string) => void, reject: (error: unknown) => void) {
          work().then(resolve, reject);
        },
      }),
    ],
    [
      "a function with a then method",
      (work: () => Promise<string>) => () =>
        Object.assign(() => {}, { then: (resolve: (value: string) => void) => void work().then(resolve) }),
    ],
  ])("5 awaits %s", async (_name, toTask) => {
    const gate = createGate();
    const recorder = new Recorder();
    const outcomes: unknown[] = [];
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const handle = tasks.addTask(
        toTask(async () => {
          recorder.add("starts");
          await gate.opened;
          recorder.add("ends");
          return "value";
        }),
      );
      void handle.done.then((outcome) => outcomes.push(outcome));
      tasks.addTask(() => recorder.add("next"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await recorder.when("starts");
    await turns();
    expect(recorder.events).toEqual(["starts"]);
    expect(outcomes).toEqual([]);
    gate.open();
    await session.finish();
    expect(recorder.events).toEqual(["starts", "ends", "next"]);
    expect(outcomes).toEqual([{ status: "succeeded", value: "value" }]);
  });

  test("5 tells of the error of a promise that a lambda returns", async () => {
    const told: unknown[] = [];
    const error = new Error("in the promise");
    const app = new App({ background: { onError: (given) => void told.push(given) } });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => Promise.reject(error));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(told).toEqual([error]);
  });
});

describe.each(hosts)("case 6 over $name", (host) => {
  test("6 gives other requests a turn of the event loop between two synchronous tasks", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/tasks", { tasks: BackgroundTasks }, ({ tasks }) => {
      for (let number = 0; number < 100; number++) tasks.addTask(busy, number);
      return null;
    });
    app.get("/other", () => {
      recorder.add("other request");
      return "other";
    });
    const session = await host.open(app);
    await session.request("GET", "/other");
    let answered: Promise<unknown> | undefined;
    function busy(number: number) {
      if (number === 0) answered = nextImmediate().then(() => session.request("GET", "/other"));
      recorder.add(`task ${number}`);
      burn(5);
    }

    await session.request("GET", "/tasks");
    await recorder.when("task 99", 15_000);
    await answered;
    const lastRequest = recorder.events.lastIndexOf("other request");
    expect(lastRequest).toBeGreaterThan(0);
    expect(lastRequest).toBeLessThan(recorder.events.indexOf("task 20"));
  });

  test("6 lets a timer and an immediate fire between two tasks that await nothing real", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("first");
        setImmediate(() => recorder.add("turn"));
      });
      tasks.addTask(() => recorder.add("second"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["first", "turn", "second"]);
  });
});

describe("case 6, the warning", () => {
  test.each([
    ["before its first await", false, burn],
    ["after an await", true, burn],
    ["after an await, without computing", true, sleepInPlace],
  ])(
    "6 raises one warning that names a task that blocks the event loop %s, and points to thread",
    async (_when, later, block) => {
      const warnings = await warningsOf(async () => {
        const app = new App();
        async function crunchNumbers() {
          if (later) await delay(15);
          block(150);
          await delay(30);
        }
        app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
          tasks.addTask(crunchNumbers);
          return null;
        });
        const session = await hosts[0]!.open(app);
        await session.request("GET", "/");
        await session.finish();
      });
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain("crunchNumbers");
      expect(warnings[0]).toMatch(/\bthread\b/);
    },
  );

  test("6 raises the warning for a synchronous task", async () => {
    const warnings = await warningsOf(async () => {
      const app = new App();
      app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.with({ name: "resize by hand" }).addTask(() => burn(150));
        tasks.addTask(() => {});
        return null;
      });
      const session = await hosts[0]!.open(app);
      await session.request("GET", "/");
      await session.finish();
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("resize by hand");
    expect(warnings[0]).toMatch(/\bthread\b/);
  });

  test("6 raises one warning for a task however often it runs", async () => {
    const warnings = await warningsOf(async () => {
      const app = new App();
      app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.addTask(function crunchAgain() {
          burn(100);
        });
        return null;
      });
      const session = await hosts[0]!.open(app);
      for (let count = 0; count < 3; count++) await session.request("GET", "/");
      await session.finish();
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("crunchAgain");
  });

  test("6 raises no warning for a task that only waits", async () => {
    let longestMs = 0;
    const warnings = await warningsOf(async () => {
      const app = new App();
      app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.addTask(async () => {
          for (let last = performance.now(), round = 0; round < 20; round++) {
            await delay(10);
            longestMs = Math.max(longestMs, performance.now() - last);
            last = performance.now();
          }
        });
        return null;
      });
      const session = await hosts[0]!.open(app);
      await session.request("GET", "/");
      await session.finish();
    });
    // On a machine that stood still itself for so long the warning is right.
    if (longestMs < 50) expect(warnings).toEqual([]);
    else expect(warnings.length).toBeLessThanOrEqual(1);
  });
});

describe.each(hosts)("case 7 over $name", (host) => {
  const forms: [string, (chunks: AsyncGenerator<string>) => unknown][] = [
    ["an async iterable", (chunks) => chunks],
    ["a ReadableStream", (chunks) => toByteStream(chunks)],
    ["a Response with a stream", (chunks) => new Response(toByteStream(chunks))],
    ["stream()", (chunks) => stream(chunks)],
    ["jsonLines()", (chunks) => jsonLines(chunks)],
    ["sse()", (chunks) => sse(dataOf(chunks))],
  ];

  test.each(forms)("7 starts tasks after the last chunk of %s", async (_name, toResult) => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return toResult(
        (async function* () {
          yield "first chunk";
          await gate.opened;
          yield "last chunk";
          recorder.add("producer ends");
        })(),
      );
    });
    const session = await host.open(app);
    const answer = await session.begin("GET", "/");
    await answer.received("first chunk");
    await turns();
    expect(recorder.events).toEqual([]);
    gate.open();
    expect(await answer.rest()).toContain("last chunk");
    await session.finish();
    expect(recorder.events).toEqual(["producer ends", "task"]);
  });

  test.each(forms)("7 runs tasks that are added while %s is being produced", async (_name, toResult) => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) =>
      toResult(
        (async function* () {
          tasks.addTask(() => recorder.add("added before the first chunk"));
          yield "first";
          await delay(5);
          tasks.addTask(() => recorder.add("added between chunks"));
          yield "last";
          tasks.addTask(() => recorder.add("added after the last chunk"));
          recorder.add("producer ends");
        })(),
      ),
    );
    const session = await host.open(app);
    expect((await session.request("GET", "/")).text).toContain("last");
    await session.finish();
    expect(recorder.events).toEqual([
      "producer ends",
      "added before the first chunk",
      "added between chunks",
      "added after the last chunk",
    ]);
  });

  test("7 starts tasks after the last chunk of a file", async () => {
    const file = join(await createTempDirectory(), "file.txt");
    await writeFile(file, "start of the file" + "x".repeat(200_000) + "end of the file");
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return sendFile(file, { background: new BackgroundTask(() => recorder.add("task of the response")) });
    });
    const session = await host.open(app);
    const answer = await session.begin("GET", "/");
    if (host.name === "memory") {
      await turns();
      expect(recorder.events).toEqual([]);
    }
    const body = await answer.rest();
    expect(body).toHaveLength(17 + 200_000 + 15);
    await session.finish();
    expect(recorder.events).toEqual(["task", "task of the response"]);
  });
});

describe("case 7 on the wire", () => {
  test("7 starts tasks only when a slow client has let the last chunk of a large file go", async () => {
    const file = join(await createTempDirectory(), "large.bin");
    await writeFile(file, new Uint8Array(largeBytes));
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => {
        expect(serverSocketOf(client).writableLength).toBe(0);
        recorder.add("task");
      });
      return sendFile(file);
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const exchange = client.send("GET", "/");
    await exchange.head;
    client.pause();
    await waitUntil(() => serverSocketOf(client).writableLength > 0);
    await turns(50);
    expect(recorder.events).toEqual([]);
    client.resume();
    expect((await exchange.response).body).toHaveLength(largeBytes);
    await recorder.when("task");
  });
});

describe.each(hosts)("case 8 over $name", (host) => {
  test("8 keeps the order behind middleware, whose timings do not include the tasks", async () => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App();
    for (const name of ["outer", "inner"])
      app.use(async (_context, next) => {
        recorder.add(`${name} before`);
        await next();
        recorder.add(`${name} after`);
      });
    app.use(timing());
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("task starts");
        await gate.opened;
        recorder.add("task ends");
      });
      recorder.add("handler returns");
      return "body";
    });
    const session = await host.open(app);
    const answer = await within(session.request("GET", "/"), 5_000, "the response");
    expect(answer.text).toBe('"body"');
    expect(answer.headers.get("server-timing")).toMatch(/^total/);
    await recorder.when("task starts");
    gate.open();
    await session.finish();
    expect(recorder.events).toEqual([
      "outer before",
      "inner before",
      "handler returns",
      "inner after",
      "outer after",
      "task starts",
      "task ends",
    ]);
  });

  test("8 starts tasks after the last chunk of the response that replaced the handler's", async () => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App();
    app.use(async (context, next) => {
      await next();
      context.res = new Response(
        toByteStream(
          (async function* () {
            yield "replaced";
            await gate.opened;
            yield "end";
            recorder.add("producer ends");
          })(),
        ),
      );
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return "never sent";
    });
    const session = await host.open(app);
    const answer = await session.begin("GET", "/");
    await answer.received("replaced");
    await turns();
    expect(recorder.events).toEqual([]);
    gate.open();
    expect(await answer.rest()).toBe("replacedend");
    await session.finish();
    expect(recorder.events).toEqual(["producer ends", "task"]);
  });

  test("8 runs the tasks of a handler whose streamed response a middleware replaces with data", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.use(async (context, next) => {
      await next();
      context.res = new Response("replaced", { status: 299 });
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("injected"));
      return stream(["never", "sent"], { background: new BackgroundTask(() => recorder.add("of the response")) });
    });
    const session = await host.open(app);
    const answer = await session.request("GET", "/");
    expect([answer.status, answer.text]).toEqual([299, "replaced"]);
    await session.finish();
    expect(recorder.events).toEqual(["injected", "of the response"]);
  });

  test("8 waits for the wrapped body when a middleware wraps the response", async () => {
    const gate = createGate();
    const recorder = new Recorder();
    const app = new App();
    app.use(async (context, next) => {
      await next();
      const wrapped = context.res.body!.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          async flush(controller) {
            await gate.opened;
            controller.enqueue(new TextEncoder().encode("trailer"));
            recorder.add("wrapper ends");
          },
        }),
      );
      context.res = new Response(wrapped, { headers: { "x-wrapped": "yes" } });
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return new Response("body ");
    });
    const session = await host.open(app);
    const answer = await session.begin("GET", "/");
    expect(answer.headers.get("x-wrapped")).toBe("yes");
    await answer.received("body ");
    await turns();
    expect(recorder.events).toEqual([]);
    gate.open();
    expect(await answer.rest()).toBe("body trailer");
    await session.finish();
    expect(recorder.events).toEqual(["wrapper ends", "task"]);
  });

  test.each([
    ["to the response that it found", (found: Response, task: BackgroundTask) => void withBackground(found, task)],
    [
      "to the response that it found, and sets it again",
      (found: Response, task: BackgroundTask) => withBackground(found, task),
    ],
    [
      "to a response of its own",
      (_found: Response, task: BackgroundTask) => withBackground(new Response("middleware"), task),
    ],
    ["to a helper's response", (_found: Response, task: BackgroundTask) => text("middleware", { background: task })],
  ] satisfies [string, (found: Response, task: BackgroundTask) => Response | void][])(
    "8 adds what a middleware attaches %s to the tasks of the request",
    async (_name, attach) => {
      const recorder = new Recorder();
      const app = new App();
      app.use(async (context, next) => {
        await next();
        const response = attach(context.res, new BackgroundTask(() => recorder.add("middleware")));
        if (response) context.res = response;
      });
      app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.addTask(() => recorder.add("injected"));
        return json("handler", { background: new BackgroundTask(() => recorder.add("of the response")) });
      });
      const session = await host.open(app);
      expect((await session.request("GET", "/")).status).toBe(200);
      await session.finish();
      expect(recorder.events).toEqual(["injected", "of the response", "middleware"]);
    },
  );

  test("8 keeps what an inner middleware attached when an outer one replaces the response", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.use(async (context, next) => {
      await next();
      context.res = new Response("outer");
    });
    app.use(async (context, next) => {
      await next();
      withBackground(context.res, new BackgroundTask(() => recorder.add("inner middleware")));
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("injected"));
      return null;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).text).toBe("outer");
    await session.finish();
    expect(recorder.events).toEqual(["injected", "inner middleware"]);
  });

  test("8 keeps what an inner middleware attached when an outer one sets a header", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.use(async (context, next) => {
      await next();
      context.header("x-outer", "yes");
    });
    app.use(async (context, next) => {
      await next();
      withBackground(context.res, new BackgroundTask(() => recorder.add("inner middleware")));
    });
    app.get("/", () => null);
    const session = await host.open(app);
    expect((await session.request("GET", "/")).headers.get("x-outer")).toBe("yes");
    await session.finish();
    expect(recorder.events).toEqual(["inner middleware"]);
  });

  test("8 runs what the response of a middleware that answers itself carries", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.use(async () => json("short cut", { background: new BackgroundTask(() => recorder.add("task")) }));
    app.get("/", () => "never");
    const session = await host.open(app);
    expect((await session.request("GET", "/")).text).toBe('"short cut"');
    await session.finish();
    expect(recorder.events).toEqual(["task"]);
  });

  test("8 runs tasks behind Hono's own middleware", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.use(cors());
    app.use(secureHeaders());
    app.use(etag());
    app.use(compress({ threshold: 0 }));
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("injected"));
      return text("x".repeat(10_000), { background: new BackgroundTask(() => recorder.add("of the response")) });
    });
    const session = await host.open(app);
    const first = await session.request("GET", "/");
    expect(first.status).toBe(200);
    expect(first.headers.get("access-control-allow-origin")).toBe("*");
    const tag = first.headers.get("etag");
    expect(tag).toBeTruthy();
    await recorder.when("of the response");

    const second = await session.request("GET", "/", { headers: { "if-none-match": tag! } });
    expect(second.status).toBe(304);
    await waitUntil(() => recorder.count("of the response") === 2);
    const third = await session.request("GET", "/", { headers: { "accept-encoding": "gzip" } });
    expect(third.headers.get("content-encoding")).toBe("gzip");
    await session.finish();
    expect(recorder.events).toEqual(Array.from({ length: 3 }, () => ["injected", "of the response"]).flat());
  });

  test("8 runs a task once when the middleware clones the response", async () => {
    const recorder = new Recorder();
    const app = new App();
    app.use(async (context, next) => {
      await next();
      recorder.add(`logged ${await context.res.clone().text()}`);
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return "body";
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).text).toBe('"body"');
    await session.finish();
    expect(recorder.events).toEqual(['logged "body"', "task"]);
  });
});

/** Holds the event loop as `execSync` does. */
function sleepInPlace(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Holds the event loop. */
function burn(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs;);
}

async function* dataOf(chunks: AsyncIterable<string>): AsyncGenerator<{ data: string }> {
  for await (const data of chunks) yield { data };
}

async function warningsOf(work: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const listen = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);
  process.on("warning", listen);
  try {
    await work();
    // Warnings are emitted in a later tick.
    await turns(2);
  } finally {
    process.off("warning", listen);
  }
  return warnings.filter((warning) => !warning.startsWith("ExperimentalWarning"));
}
