// What the reference's own suites test about background tasks, and the numbered cases do not say: Starlette's
// tests/test_background.py, test_responses.py, middleware/test_base.py and middleware/test_errors.py, FastAPI's
// test_dependency_contextmanager.py and test_dependency_yield_scope.py, Litestar's unit/test_background_tasks.py.
// The rest has its counterpart among the cases: FastAPI's tutorial pages are 9 and 10, test_response_dependency.py is 4,
// Starlette's "a failure avoids the next" is 17, where we deviate.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  App,
  BackgroundTask,
  BackgroundTasks,
  HTTPException,
  Router,
  dependency,
  json,
  sendFile,
  stream,
  text,
  withBackground,
} from "afterword";
import { TestClient } from "afterword/testing";
import { describe, expect, test } from "vitest";
import { createGate } from "../support/gate.ts";
import { hosts, startApp } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { Recorder } from "../support/recorder.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns, within } from "../support/wait-until.ts";

keepTidy();

async function* numbers(first: number, last: number): AsyncGenerator<string> {
  for (let number = first; number <= last; number++) {
    yield String(number);
    if (number < last) yield ", ";
    await delay(0);
  }
}

describe("Starlette, a task by itself", () => {
  test("runs its function with its arguments when run() is called, synchronous or not", async () => {
    const recorder = new Recorder();
    await new BackgroundTask((name: string) => recorder.add(name), "sync").run();
    await new BackgroundTask(async (name: string) => {
      await delay(1);
      recorder.add(name);
    }, "async").run();
    await new BackgroundTask((name: string) => delay(1).then(() => recorder.add(name)), "lambda").run();
    expect(recorder.events).toEqual(["sync", "async", "lambda"]);
  });

  test("rejects run() with the error of its function", async () => {
    const error = new Error("task failed");
    await expect(new BackgroundTask(() => Promise.reject(error)).run()).rejects.toBe(error);
    await expect(
      new BackgroundTask(() => {
        throw error;
      }).run(),
    ).rejects.toBe(error);
  });

  test("is a list too, whose run() runs its tasks in order, lists in it included", async () => {
    const recorder = new Recorder();
    const record = (name: string) => recorder.add(name);
    const inner = new BackgroundTasks([new BackgroundTask(record, "inner")]);
    const tasks = new BackgroundTasks([new BackgroundTask(record, "1"), inner]);
    tasks.addTask(async (name: string) => {
      await delay(2);
      record(name);
      tasks.addTask(record, "added while it ran");
    }, "2");
    tasks.addTask(record, "3");
    expect(tasks).toBeInstanceOf(BackgroundTask);
    await tasks.run();
    expect(recorder.events).toEqual(["1", "inner", "2", "3", "added while it ran"]);
  });

  test("runs the tasks after one that fails, and rejects the run() of the list in the end", async () => {
    let counter = 0;
    const error = new Error("task failed");
    const tasks = new BackgroundTasks();
    for (let count = 0; count < 2; count++)
      tasks.addTask(() => {
        counter++;
        if (counter === 1) throw error;
      });
    await expect(tasks.run()).rejects.toBe(error);
    expect(counter).toBe(2);
  });
});

describe.each(hosts)("Starlette, responses over $name", (host) => {
  test.each([
    ["a synchronous task", (done: () => void) => new BackgroundTask(done)],
    [
      "an asynchronous task",
      (done: () => void) =>
        new BackgroundTask(async () => {
          await delay(1);
          done();
        }),
    ],
    [
      "a list of tasks",
      (done: () => void) => {
        let sum = 0;
        const increment = (amount: number) => {
          sum += amount;
          if (sum === 1 + 2 + 3) done();
        };
        const tasks = new BackgroundTasks();
        for (const amount of [1, 2, 3]) tasks.addTask(increment, amount);
        return tasks;
      },
    ],
  ])("runs %s that a text response carries", async (_name, toTask) => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", () => text("task initiated", { background: toTask(() => recorder.add("complete")) }));
    const session = await host.open(app);
    expect((await session.request("GET", "/")).text).toBe("task initiated");
    await session.finish();
    expect(recorder.events).toEqual(["complete"]);
  });

  test("runs a task after a streamed response that reads a stream of its own", async () => {
    let filled = "";
    const app = new App();
    const cleanUp = async (first: number, last: number) => {
      for await (const chunk of numbers(first, last)) filled += chunk;
    };
    app.get("/", () => stream(numbers(1, 5), { background: new BackgroundTask(cleanUp, 6, 9) }));
    const session = await host.open(app);
    expect(filled).toBe("");
    expect((await session.request("GET", "/")).text).toBe("1, 2, 3, 4, 5");
    await session.finish();
    expect(filled).toBe("6, 7, 8, 9");
  });

  test("runs a task after a file response, whose headers are untouched", async () => {
    const file = join(await createTempDirectory(), "xyz");
    const content = "<file content>".repeat(1_000);
    await writeFile(file, content);
    let filled = "";
    const app = new App();
    const cleanUp = async (first: number, last: number) => {
      for await (const chunk of numbers(first, last)) filled += chunk;
    };
    app.get("/", () => sendFile(file, { filename: "example.png", background: new BackgroundTask(cleanUp, 6, 9) }));
    const session = await host.open(app);
    const answer = await session.request("GET", "/");
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(content);
    expect(answer.headers.get("content-type")).toBe("image/png");
    expect(answer.headers.get("content-disposition")).toContain("example.png");
    expect(answer.headers.get("content-length")).toBe(String(content.length));
    for (const name of ["last-modified", "etag"]) expect(answer.headers.get(name)).toBeTruthy();
    await session.finish();
    expect(filled).toBe("6, 7, 8, 9");
  });
});

describe.each(hosts)("Starlette, middleware over $name", (host) => {
  test("runs a task, and closes dependencies, behind middleware although the client has gone", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = new App();
    app.use((_context, next) => next());
    const getSession = dependency(async function* () {
      try {
        yield "session";
      } finally {
        await delay(5);
        recorder.add("dependency closed");
      }
    });
    app.get("/", { session: getSession, tasks: BackgroundTasks }, async ({ tasks }) => {
      tasks.addTask(async () => {
        await delay(20);
        recorder.add("injected");
      });
      recorder.add("handler");
      await gate.opened;
      return text("", {
        background: new BackgroundTask(async () => {
          await delay(20);
          recorder.add("of the response");
        }),
      });
    });
    const session = await host.open(app);
    const client = await session.impatient();
    client.send("GET", "/");
    await recorder.when("handler");
    await client.hangUp();
    await turns();
    gate.open();
    await recorder.when("dependency closed");
    expect(recorder.events).toEqual(["handler", "injected", "of the response", "dependency closed"]);
  });

  test("closes a request-scope dependency behind middleware although the client has gone and there is no task", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = new App();
    app.use((_context, next) => next());
    const getSession = dependency(async function* () {
      try {
        yield "session";
      } finally {
        recorder.add("dependency closed");
      }
    });
    app.get("/", { session: getSession }, async () => {
      recorder.add("handler");
      await gate.opened;
      return null;
    });
    const session = await host.open(app);
    const client = await session.impatient();
    client.send("GET", "/");
    await recorder.when("handler");
    await client.hangUp();
    gate.open();
    await recorder.when("dependency closed");
  });

  test("tells the task's own error behind middleware, which sees nothing of it", async () => {
    const recorder = new Recorder();
    const told: unknown[] = [];
    const error = new Error("TEST");
    const app = new App({ background: { onError: (given) => void told.push(given) } });
    app.use(async (_context, next) => {
      try {
        await next();
        recorder.add("middleware is content");
      } catch {
        recorder.add("middleware caught");
      }
    });
    app.get("/", () =>
      text("", {
        background: new BackgroundTask(async () => {
          await delay(5);
          throw error;
        }),
      }),
    );
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(200);
    await session.finish();
    expect(told).toHaveLength(1);
    expect(told[0]).toBe(error);
    expect(recorder.events).toEqual(["middleware is content"]);
  });

  test("sends two responses whole before the task of either has ended", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    const app = new App();
    app.use((_context, next) => next());
    app.get("/", () =>
      text("Hello", {
        background: new BackgroundTask(async () => {
          recorder.add("task started");
          await gate.opened;
          recorder.add("task finished");
        }),
      }),
    );
    const session = await host.open(app);
    const send = async () => {
      const { text: body } = await session.request("GET", "/");
      recorder.add(body);
    };
    await within(Promise.all([send(), send()]), 5_000, "both responses");
    expect(recorder.count("Hello")).toBe(2);
    expect(recorder.count("task finished")).toBe(0);
    gate.open();
    await session.finish();
    expect(recorder.count("task started")).toBe(2);
    expect(recorder.count("task finished")).toBe(2);
  });

  test("runs what each of ten middlewares attached", async () => {
    const recorder = new Recorder();
    const app = new App();
    for (let version = 1; version <= 10; version++)
      app.use(async (context, next) => {
        recorder.add(`${version}:STARTED`);
        await next();
        recorder.add(`${version}:COMPLETED`);
        withBackground(context.res, new BackgroundTask(() => recorder.add(`${version}:BACKGROUND`)));
      });
    app.get("/", () => null);
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    const all = Array.from({ length: 10 }, (_, index) => index + 1);
    expect(recorder.events.slice(0, 20)).toEqual([
      ...all.map((version) => `${version}:STARTED`),
      ...all.toReversed().map((version) => `${version}:COMPLETED`),
    ]);
    expect(recorder.events.slice(20).toSorted()).toEqual(all.map((version) => `${version}:BACKGROUND`).toSorted());
  });

  test("leaves a 204 and the app's error handlers alone when its task fails", async () => {
    const recorder = new Recorder();
    const app = new App({ background: { onError: (error) => recorder.add(`onError: ${(error as Error).message}`) } });
    app.onError(Error, () => {
      recorder.add("error handler");
      return null;
    });
    app.get("/", () =>
      withBackground(
        new Response(null, { status: 204 }),
        new BackgroundTask(() => {
          throw new Error("Something went wrong");
        }),
      ),
    );
    const session = await host.open(app);
    const answer = await session.request("GET", "/");
    expect([answer.status, answer.text]).toEqual([204, ""]);
    await session.finish();
    expect(recorder.events).toEqual(["onError: Something went wrong"]);
  });
});

describe("Starlette, on the wire", () => {
  test("runs what ten middlewares attached when the client goes while its body is read", async () => {
    const recorder = new Recorder();
    const app = new App();
    for (let version = 1; version <= 10; version++)
      app.use(async (context, next) => {
        await next();
        withBackground(context.res, new BackgroundTask(() => recorder.add(`${version}:BACKGROUND`)));
      });
    app.post("/", { request: Request }, async ({ request }) => {
      recorder.add("handler");
      try {
        await request.text();
        recorder.add("body was whole");
      } catch {
        recorder.add("client has gone");
      }
      return new Response("");
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    client.begin("POST", "/", { "content-length": "100" });
    client.write("part of it");
    await recorder.when("handler");
    client.hangUp();
    for (let version = 1; version <= 10; version++) await recorder.when(`${version}:BACKGROUND`);
    expect(recorder.events.slice(0, 2)).toEqual(["handler", "client has gone"]);
    expect(recorder.events).toHaveLength(12);
  });
});

describe.each(hosts)("FastAPI, generator dependencies over $name", (host) => {
  test("shows middleware the state before the task, and the task the state before clean-up", async () => {
    const state: Record<string, string> = { a: "not started a", b: "not started b", bg: "not set" };
    const getA = dependency(function* () {
      state["a"] = "started a";
      try {
        yield state;
      } finally {
        state["a"] = "finished a";
      }
    });
    const getB = dependency({ a: getA }, async function* () {
      state["b"] = "started b";
      try {
        yield state;
      } finally {
        state["b"] = `finished b with a: ${state["a"]}`;
      }
    });
    const app = new App();
    app.use(async (context, next) => {
      await next();
      context.header("x-state", JSON.stringify(state));
    });
    for (const [path, task] of [
      ["/async", async () => void (state["bg"] = `bg set - b: ${state["b"]} - a: ${state["a"]}`)],
      ["/sync", () => void (state["bg"] = `bg set - b: ${state["b"]} - a: ${state["a"]}`)],
    ] as const)
      app.get(path, { state: getB, tasks: BackgroundTasks }, ({ state: given, tasks }) => {
        given["bg"] = "not set";
        tasks.addTask(task);
        return given;
      });
    const session = await host.open(app);
    for (const path of ["/async", "/sync"]) {
      const answer = await session.request("GET", path);
      const expected = { a: "started a", b: "started b", bg: "not set" };
      expect(JSON.parse(answer.text)).toEqual(expected);
      expect(JSON.parse(answer.headers.get("x-state")!)).toEqual(expected);
      await within(
        (async () => {
          while (state["a"] !== "finished a") await turns(1);
        })(),
        5_000,
        "the clean-up",
      );
      expect(state).toEqual({
        a: "finished a",
        b: "finished b with a: started a",
        bg: "bg set - b: started b - a: started a",
      });
    }
  });

  test.each([
    ["an asynchronous", true],
    ["a synchronous", false],
  ])("finalizes %s generator after its own error, another's, and success", async (_kind, isAsync) => {
    class OwnError extends Error {}
    class OtherError extends Error {}
    const recorder = new Recorder();
    const body = function* () {
      try {
        yield "started";
        recorder.add("completed");
      } catch (error) {
        if (error instanceof OwnError) recorder.add("own error");
        throw error;
      } finally {
        recorder.add("finalized");
      }
    };
    const getState = isAsync
      ? dependency(async function* () {
          yield* body();
        })
      : dependency(body);
    const app = new App();
    for (const ErrorClass of [OwnError, OtherError])
      app.onError(ErrorClass, () => json({ detail: ErrorClass.name }, { status: 500 }));
    app.get("/success", { state: getState }, ({ state }) => state);
    app.get("/own", { state: getState }, () => {
      throw new OwnError();
    });
    app.get("/other", { state: getState }, async () => {
      await delay(1);
      throw new OtherError();
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/success")).text).toBe('"started"');
    await recorder.when("finalized");
    expect((await session.request("GET", "/own")).text).toBe('{"detail":"OwnError"}');
    expect((await session.request("GET", "/other")).text).toBe('{"detail":"OtherError"}');
    await session.finish();
    expect(recorder.events).toEqual(["completed", "finalized", "own error", "finalized", "finalized"]);
  });

  interface Session {
    isOpen: boolean;
  }
  const openSession = function* (): Generator<Session> {
    const session = { isOpen: true };
    yield session;
    session.isOpen = false;
  };
  const functionSession = dependency({ scope: "function" }, {}, openSession);
  const requestSession = dependency({ scope: "request" }, {}, openSession);
  const defaultSession = dependency(openSession);
  const named = dependency({ requestSession, defaultSession }, function* ({ requestSession: session }) {
    const own = { isOpen: true };
    yield [own, session] as const;
    own.isOpen = false;
  });
  const namedFunction = dependency(
    { scope: "function" },
    { functionSession },
    function* ({ functionSession: session }) {
      const own = { isOpen: true };
      yield [own, session] as const;
      own.isOpen = false;
    },
  );
  const regular = dependency(
    { functionSession },
    ({ functionSession: session }) => [{ isOpen: true }, session] as const,
  );

  test.each([
    ["function scope", { one: functionSession }, [false]],
    ["request scope", { one: requestSession }, [true]],
    ["the default scope", { one: defaultSession }, [true]],
    ["both scopes", { one: functionSession, two: requestSession }, [false, true]],
    ["a sub-dependency of request scope", { pair: named }, [true, true]],
    ["a sub-dependency of function scope", { pair: namedFunction }, [false, false]],
    ["a plain dependency of one of function scope", { pair: regular }, [true, false]],
  ])("shows a stream and a task what of %s is still open", async (_name, params, expected) => {
    const recorder = new Recorder();
    const app = new App();
    app.get("/", { ...params, tasks: BackgroundTasks }, ({ tasks, ...values }) => {
      const sessions = (Object.values(values) as (Session | readonly Session[])[]).flat();
      const look = () => JSON.stringify(sessions.map(({ isOpen }) => isOpen));
      tasks.addTask(() => recorder.add(look()));
      return (async function* () {
        await delay(1);
        yield look();
      })();
    });
    const session = await host.open(app);
    expect(JSON.parse((await session.request("GET", "/")).text)).toEqual(expected);
    await session.finish();
    expect(recorder.events).toEqual([JSON.stringify(expected)]);
  });

  const throwsAfterYield = (scope: "function" | "request") =>
    dependency({ scope }, {}, function* () {
      yield null;
      throw new HTTPException(503, "Exception after yield");
    });

  test.each(["router", "app"])("answers with the error of a function-scope exit of the %s", async (owner) => {
    const dependencies = [throwsAfterYield("function")];
    const app = new App(owner === "app" ? { dependencies } : {});
    const router = new Router({ prefix: "/router", ...(owner === "router" && { dependencies }) });
    router.get("/", () => ({ status: "ok" }));
    app.include(router);
    const session = await host.open(app);
    const answer = await session.request("GET", "/router");
    expect([answer.status, answer.text]).toEqual([503, '{"detail":"Exception after yield"}']);
  });

  test.each(["router", "app"])(
    "answers well whatever a request-scope exit of the %s throws afterwards",
    async (owner) => {
      const told: unknown[] = [];
      const dependencies = [throwsAfterYield("request")];
      const app = new App({
        background: { onError: (error) => void told.push(error) },
        ...(owner === "app" && { dependencies }),
      });
      const router = new Router({ prefix: "/router", ...(owner === "router" && { dependencies }) });
      router.get("/", () => ({ status: "ok" }));
      app.include(router);
      const session = await host.open(app);
      const answer = await session.request("GET", "/router");
      expect([answer.status, answer.text]).toEqual([200, '{"status":"ok"}']);
      await session.finish();
      expect(told).toMatchObject([{ status: 503 }]);
    },
  );
});

describe("FastAPI, mistaken scopes", () => {
  test("refuses a dependency of request scope that needs one of function scope, when the route is defined", () => {
    const inner = dependency({ scope: "function" }, {}, function* getInner() {
      yield null;
    });
    const outer = dependency({ inner }, function* getOuter() {
      yield null;
    });
    const app = new App();
    expect(() => app.get("/broken", { outer }, () => null)).toThrow(/getOuter.*request.*getInner.*function/s);
  });
});

describe.each(hosts)("Litestar over $name", (host) => {
  test.each([1, 4])("runs the tasks of a route's list with concurrency %i", async (concurrency) => {
    const values: number[] = [];
    const extend = (more: readonly number[]) => void values.push(...more);
    const background = new BackgroundTasks([
      new BackgroundTask(extend, [1, 2, 3]),
      new BackgroundTask(
        async (more: readonly number[]) => {
          await delay(2);
          extend(more);
        },
        [4, 5, 6],
      ),
    ]);
    const app = new App({ background: { concurrency } });
    app.get("/", { background, status: 200 }, {}, () => undefined);
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(200);
    await session.finish();
    expect(values).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("the reference's test clients", () => {
  test("throws no error of a task from the call", async () => {
    const told: unknown[] = [];
    const app = new App({ background: { onError: (error) => void told.push(error) } });
    app.get("/", () => text("fine", { background: new BackgroundTask(() => Promise.reject(new Error("failed"))) }));
    await using client = new TestClient(app, { raiseServerErrors: true });
    const response = await client.get("/");
    expect(await response.text()).toBe("fine");
    expect(told).toHaveLength(1);
    expect(client.tasks[0]).toMatchObject({ outcome: { status: "failed" } });
  });
});
