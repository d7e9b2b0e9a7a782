// 3-semantics.md, "Failure of a task": cases 17 to 22.
import { setTimeout as delay } from "node:timers/promises";
import {
  App,
  BackgroundTask,
  BackgroundTasks,
  currentTask,
  dependency,
  json,
  path,
  type Outcome,
  type TaskHandle,
  type TaskReport,
} from "afterword";
import { describe, expect, expectTypeOf, test } from "vitest";
import { startChildApp } from "../support/child-app.ts";
import { createGate } from "../support/gate.ts";
import { hosts, startApp } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { atLeast, turns, within } from "../support/wait-until.ts";

keepTidy();

interface Told {
  readonly error: unknown;
  readonly report: TaskReport;
}

/** An app that writes down what its `onError` is told. */
function createApp(background: NonNullable<ConstructorParameters<typeof App>[0]>["background"] = {}): {
  app: App;
  told: Told[];
} {
  const told: Told[] = [];
  const app = new App({ background: { onError: (error, report) => void told.push({ error, report }), ...background } });
  return { app, told };
}

const throwing: [string, (error: Error) => unknown][] = [
  [
    "throws",
    (error) => {
      throw error;
    },
  ],
  ["rejects", (error) => Promise.reject(error)],
  [
    "rejects after an await",
    async (error) => {
      await delay(2);
      throw error;
    },
  ],
];

describe.each(hosts)("case 17 over $name", (host) => {
  test.each(throwing)(
    "17 runs later tasks after one that %s, and leaves the response untouched",
    async (_how, fail) => {
      const { app, told } = createApp();
      const recorder = new Recorder();
      const error = new Error("the task failed");
      app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.addTask(() => recorder.add("before"));
        tasks.addTask(() => fail(error));
        tasks.addTask(async () => {
          await delay(1);
          recorder.add("after");
        });
        tasks.addTask(() => recorder.add("last"));
        return json(
          { ok: true },
          { status: 201, background: new BackgroundTask(() => recorder.add("of the response")) },
        );
      });
      const session = await host.open(app);
      const answer = await session.request("GET", "/");
      expect([answer.status, answer.text]).toEqual([201, '{"ok":true}']);
      await session.finish();
      expect(recorder.events).toEqual(["before", "after", "last", "of the response"]);
      expect(told.map((one) => one.error)).toEqual([error]);
    },
  );

  test("17 runs the tasks of a list that a response carries after one of them failed", async () => {
    const { app, told } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => Promise.reject(new Error("injected")));
      return json(null, {
        background: new BackgroundTasks([
          new BackgroundTask(() => Promise.reject(new Error("own 1"))),
          new BackgroundTask(() => recorder.add("own 2")),
        ]),
      });
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["own 2"]);
    expect(told.map((one) => (one.error as Error).message)).toEqual(["injected", "own 1"]);
  });

  test("17 leaves the app's error handlers alone", async () => {
    const { app, told } = createApp();
    const recorder = new Recorder();
    app.onError(Error, () => {
      recorder.add("error handler");
      return json("handled");
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => Promise.reject(new Error("of a task")));
      return "untouched";
    });
    const session = await host.open(app);
    const answer = await session.request("GET", "/");
    expect([answer.status, answer.text]).toEqual([200, '"untouched"']);
    await session.finish();
    expect(recorder.events).toEqual([]);
    expect(told).toHaveLength(1);
  });
});

describe("case 17 on the wire", () => {
  test.each(throwing)("17 keeps the connection, with a request in flight on it, when a task %s", async (_how, fail) => {
    const { app, told } = createApp();
    const recorder = new Recorder();
    const taskGate = createGate();
    const handlerGate = createGate();
    app.get("/fails", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        await taskGate.opened;
        await fail(new Error("the task failed"));
      });
      tasks.addTask(() => recorder.add("later task"));
      return "fails";
    });
    app.get("/in-flight", async () => {
      recorder.add("in flight");
      await handlerGate.opened;
      return "in flight";
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const other = await RawClient.connect(server.port);

    expect((await client.send("GET", "/fails").response).text).toBe('"fails"');
    const onSame = client.send("GET", "/in-flight");
    const onOther = other.send("GET", "/in-flight");
    await recorder.when("in flight");
    taskGate.open();
    await recorder.when("later task");
    await turns();
    handlerGate.open();
    for (const exchange of [onSame, onOther]) {
      const response = await within(exchange.response, 5_000, "the response in flight");
      expect([response.status, response.text]).toEqual([200, '"in flight"']);
    }
    expect((await client.send("GET", "/fails").response).text).toBe('"fails"');
    expect([client.isClosed, other.isClosed]).toEqual([false, false]);
    expect(told.length).toBeGreaterThanOrEqual(1);
  });
});

describe.each(hosts)("case 18 over $name", (host) => {
  test("18 tells onError once, with the error itself, the task's name, its arguments and the request's id", async () => {
    const { app, told } = createApp();
    const error = Object.freeze(new Error("unchanged"));
    let requestId: string | undefined;
    async function sendMail(_to: string, _options: { subject: string }) {
      requestId = currentTask().request?.id;
      throw error;
    }
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(sendMail, "foo@example.com", { subject: "Welcome" });
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(told).toHaveLength(1);
    expect(told[0]!.error).toBe(error);
    expect(told[0]!.report.name).toBe("sendMail");
    expect(told[0]!.report.args).toContain("foo@example.com");
    expect(told[0]!.report.args).toContain("Welcome");
    expect(told[0]!.report.args).not.toContain("\n");
    expect(told[0]!.report.requestId).toMatch(/./);
    expect(told[0]!.report.requestId).toBe(requestId);
  });

  test("18 cuts the summary of large arguments", async () => {
    const { app, told } = createApp();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const circular: Record<string, unknown> = { text: "x".repeat(100_000) };
      circular["self"] = circular;
      tasks.addTask((..._args: unknown[]) => Promise.reject(new Error("failed")), circular, ...Array(1_000).fill("y"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(told).toHaveLength(1);
    expect(told[0]!.report.args.length).toBeLessThan(1_000);
  });

  test("18 tells onError of each failing task once, and tells requests apart", async () => {
    const { app, told } = createApp();
    app.get("/:name", { name: path(), tasks: BackgroundTasks }, ({ name, tasks }) => {
      for (const number of [1, 2])
        tasks.with({ name: `${name} ${number}` }).addTask(() => Promise.reject(new Error(`${name} ${number}`)));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/a");
    await session.request("GET", "/b");
    await session.finish();
    expect(told.map(({ report }) => report.name).toSorted()).toEqual(["a 1", "a 2", "b 1", "b 2"]);
    for (const { error, report } of told) expect((error as Error).message).toBe(report.name);
    const idOf = (name: string) => told.find(({ report }) => report.name === name)!.report.requestId;
    expect(idOf("a 1")).toBe(idOf("a 2"));
    expect(idOf("b 1")).toBe(idOf("b 2"));
    expect(idOf("a 1")).not.toBe(idOf("b 1"));
  });

  test.each([
    ["undefined", undefined],
    ["null", null],
    ["a string", "a thrown string"],
    ["zero", 0],
    ["an object without a prototype", Object.create(null)],
  ])("18 tells onError of a task that throws %s, and runs the next", async (_name, thrown) => {
    const { app, told } = createApp();
    const recorder = new Recorder();
    const outcomes: Outcome[] = [];
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const sync = tasks.addTask(() => {
        throw thrown;
      });
      const async = tasks.addTask(() => Promise.reject(thrown));
      for (const handle of [sync, async]) void handle.done.then((outcome) => outcomes.push(outcome));
      tasks.addTask(() => recorder.add("next"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(told.map((one) => one.error)).toEqual([thrown, thrown]);
    expect(told[0]!.error).toBe(thrown);
    expect(outcomes).toEqual([
      { status: "failed", error: thrown },
      { status: "failed", error: thrown },
    ]);
    expect(recorder.events).toEqual(["next"]);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("from onError");
      },
    ],
    ["rejects", () => Promise.reject(new Error("from onError"))],
    [
      "throws undefined",
      () => {
        throw undefined;
      },
    ],
  ])("18 runs the next task and rejects nothing when onError itself %s", async (_how, fail) => {
    const told: unknown[] = [];
    const app = new App({
      background: {
        onError(error) {
          told.push(error);
          return fail();
        },
      },
    });
    const recorder = new Recorder();
    const error = new Error("of the task");
    let handle: TaskHandle | undefined;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      handle = tasks.addTask(() => Promise.reject(error));
      tasks.addTask(() => recorder.add("next"));
      return null;
    });
    const printed = await caught(async () => {
      const session = await host.open(app);
      expect((await session.request("GET", "/")).status).toBe(200);
      await session.finish();
      await turns(3);
    });
    expect(recorder.events).toEqual(["next"]);
    expect(told).toEqual([error]);
    expect(await handle!.done).toEqual({ status: "failed", error });
    // The error of the task must not be hidden behind the second one.
    expect(printed).toContain("of the task");
  });

  test("18 goes on when a listener of app.background throws", async () => {
    const { app, told } = createApp();
    const recorder = new Recorder();
    for (const event of ["started", "succeeded", "failed"] as const)
      app.background.on(event, () => {
        throw new Error(`from the listener of ${event}`);
      });
    const error = new Error("of the task");
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("1"));
      tasks.addTask(() => Promise.reject(error));
      tasks.addTask(() => recorder.add("3"));
      return null;
    });
    await caught(async () => {
      const session = await host.open(app);
      expect((await session.request("GET", "/")).status).toBe(200);
      await recorder.when("3");
      await session.finish();
    });
    expect(recorder.events).toEqual(["1", "3"]);
    expect(told.map((one) => one.error)).toEqual([error]);
  });

  test("18 emits failed with the error, beside onError", async () => {
    const { app, told } = createApp();
    const events: unknown[] = [];
    app.background.on("failed", ({ name, error, requestId }) => events.push({ name, error, requestId }));
    const error = new Error("failed");
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "job" }).addTask(() => Promise.reject(error));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(told).toHaveLength(1);
    expect(events).toEqual([{ name: "job", error, requestId: told[0]!.report.requestId }]);
  });
});

describe("case 18 in a process of its own", () => {
  const fixture = new URL("./fixtures/failing-app.ts", import.meta.url);

  test("18 writes the name and the stack of a failing task to stderr without an onError, and the process lives on", async () => {
    const child = await startChildApp(fixture);
    const client = await RawClient.connect(child.port);
    for (const way of ["error", "undefined", "string", "late"]) {
      const response = await client.send("POST", `/fail/${way}`).response;
      expect([response.status, response.text]).toEqual([200, '"answered"']);
      await child.line(new RegExp(`^next task after ${way}$`, "m"));
    }
    expect((await client.send("GET", "/alive").response).text).toBe('"alive"');
    child.signal("SIGTERM");
    expect((await child.exit()).code).toBe(0);
    expect(child.stderr).toMatch(/failWithError/);
    expect(child.stderr).toMatch(/Error: the task failed\n\s+at .*failing-app\.ts/);
    for (const name of ["failWithUndefined", "failWithString", "failLate"]) expect(child.stderr).toContain(name);
    expect(child.stderr).toContain("a thrown string");
    expect(child.stderr).not.toMatch(/unhandled|uncaught/i);
  });

  test("18 survives an onError that throws, and prints both errors", async () => {
    const child = await startChildApp(fixture, { env: { ON_ERROR: "throw" } });
    const client = await RawClient.connect(child.port);
    expect((await client.send("POST", "/fail/error").response).status).toBe(200);
    await child.line(/^next task after error$/m);
    expect((await client.send("GET", "/alive").response).text).toBe('"alive"');
    child.signal("SIGTERM");
    expect((await child.exit()).code).toBe(0);
    expect(child.stderr).toContain("onError failed, too");
    expect(child.stderr).toContain("the task failed");
  });
});

describe.each(hosts)("case 19 over $name", (host) => {
  test("19 keeps request-scope generator dependencies open while tasks run, and closes them without the task's error", async () => {
    const { app, told } = createApp();
    const recorder = new Recorder();
    const getConnection = dependency(async function* () {
      const connection = { isOpen: true };
      try {
        yield connection;
        recorder.add("after yield");
      } catch {
        recorder.add("was thrown into");
      } finally {
        connection.isOpen = false;
        recorder.add("closed");
      }
    });
    const getSession = dependency({ connection: getConnection }, function* ({ connection }) {
      try {
        yield { connection, isOpen: true };
        recorder.add("session after yield");
      } catch {
        recorder.add("session was thrown into");
      }
    });
    app.get(
      "/",
      { connection: getConnection, session: getSession, tasks: BackgroundTasks },
      ({ connection, tasks }) => {
        tasks.addTask(async () => {
          recorder.add(`first task, open: ${connection.isOpen}`);
          await delay(2);
          throw new Error("of the task");
        });
        tasks.addTask(async () => {
          await delay(2);
          recorder.add(`second task, open: ${connection.isOpen}`);
        });
        return null;
      },
    );
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual([
      "first task, open: true",
      "second task, open: true",
      "session after yield",
      "after yield",
      "closed",
    ]);
    expect(told).toHaveLength(1);
  });
});

describe("case 20", () => {
  const wrong: [string, unknown, RegExp][] = [
    ["undefined", undefined, /undefined/],
    ["null", null, /null/],
    ["a number", 4711, /4711/],
    ["a string", "sendMail", /sendMail/],
    ["an object", { run: "this" }, /run: 'this'|run: "this"/],
    ["a promise", Promise.resolve(), /promise/i],
  ];

  test.each(wrong)("20 throws a TypeError that names %s at the call of addTask", (_name, value, named) => {
    const tasks = new BackgroundTasks();
    for (const call of [
      () => tasks.addTask(value as () => void),
      () => tasks.with({ when: "always" }).addTask(value as () => void),
      () => new BackgroundTask(value as () => void),
    ]) {
      expect(call).toThrow(TypeError);
      expect(call).toThrow(named);
    }
    expect(tasks.tasks).toEqual([]);
  });

  test("20 answers 500 when nobody catches it, and runs nothing", async () => {
    for (const host of hosts) {
      const { app } = createApp();
      const recorder = new Recorder();
      app.onError(TypeError, (error) => json({ message: error.message }, { status: 500 }));
      app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.addTask(() => recorder.add("task"));
        tasks.addTask("oops" as unknown as () => void);
        return null;
      });
      const session = await host.open(app);
      const answer = await session.request("GET", "/");
      expect([host.name, answer.status]).toEqual([host.name, 500]);
      expect(answer.text).toContain("oops");
      await session.finish();
      expect(recorder.events).toEqual([]);
    }
  });

  test("20 lets the compiler refuse wrong arguments", () => {
    const tasks = new BackgroundTasks();
    const sendMail = (_to: string, _retries?: number) => 7;
    const check = () => {
      tasks.addTask(sendMail, "a");
      tasks.addTask(sendMail, "a", 1);
      // @ts-expect-error -- an argument is missing
      tasks.addTask(sendMail);
      // @ts-expect-error -- of a wrong type
      tasks.addTask(sendMail, 1);
      // @ts-expect-error -- one too many
      tasks.addTask(sendMail, "a", 1, 2);
      // @ts-expect-error -- called already
      tasks.addTask(sendMail("a"));
      // @ts-expect-error -- no function
      tasks.addTask("sendMail");
      // @ts-expect-error -- of a wrong type, through with()
      tasks.with({ when: "always" }).addTask(sendMail, true);
      // @ts-expect-error -- of a wrong type, for a task that is made by hand
      new BackgroundTask(sendMail, 1);
      // @ts-expect-error -- no such moment
      tasks.with({ when: "sometimes" });
    };
    expect(check).toBeTypeOf("function");
    expectTypeOf<Awaited<TaskHandle<number>["done"]>>().toEqualTypeOf<Outcome<number>>();
    expectTypeOf(tasks.addTask(sendMail, "a")).toEqualTypeOf<TaskHandle<number>>();
    expectTypeOf(tasks.addTask(async () => "text")).toEqualTypeOf<TaskHandle<string>>();
  });
});

describe.each(hosts)("case 21 over $name", (host) => {
  test("21 aborts the signal of a task that never settles, fails it with code timeout, and starts the next", async () => {
    const { app, told } = createApp();
    const recorder = new Recorder();
    const handles: TaskHandle[] = [];
    const times: Record<string, number> = {};
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const handle = tasks.with({ timeout: "60ms", name: "stuck" }).addTask(() => {
        times["start"] = performance.now();
        const { signal } = currentTask();
        expect(signal.aborted).toBe(false);
        signal.addEventListener("abort", () => recorder.add(`aborted: ${(signal.reason as { code?: string }).code}`));
        return new Promise(() => {});
      });
      handles.push(handle);
      tasks.addTask(() => {
        times["next"] = performance.now();
        recorder.add(`next, aborted: ${currentTask().signal.aborted}`);
      });
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await recorder.when("next, aborted: false");
    await session.finish();
    expect(recorder.events).toEqual(["aborted: timeout", "next, aborted: false"]);
    expect(times["next"]! - times["start"]!).toBeGreaterThanOrEqual(atLeast(60));
    expect(await handles[0]!.done).toMatchObject({ status: "failed", error: { code: "timeout" } });
    expect(await handles[0]!.status()).toBe("failed");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ error: { code: "timeout" }, report: { name: "stuck" } });
  });

  test("21 forgets what a task does after its timeout", async () => {
    const { app, told } = createApp();
    const gate = createGate();
    const recorder = new Recorder();
    const handles: TaskHandle[] = [];
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const handle = tasks.with({ timeout: 20 }).addTask(async () => {
        await gate.opened;
        recorder.add("late");
        throw new Error("after the timeout");
      });
      handles.push(handle);
      tasks.addTask(() => recorder.add("next"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await recorder.when("next");
    gate.open();
    await recorder.when("late");
    await turns();
    expect(told.map(({ error }) => (error as { code?: string }).code)).toEqual(["timeout"]);
    expect(await handles[0]!.done).toMatchObject({ status: "failed", error: { code: "timeout" } });
  });

  test("21 takes the app's timeout for tasks that set none, and a task's own before it", async () => {
    const { app, told } = createApp({ timeout: "40ms" });
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ timeout: "10s", name: "own" }).addTask(async () => {
        await delay(120);
        recorder.add("own ends");
      });
      tasks.with({ name: "app's" }).addTask(() => new Promise(() => {}));
      tasks.with({ name: "quick" }).addTask(() => delay(1));
      return json(null, { background: new BackgroundTask(() => new Promise(() => {})) });
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["own ends"]);
    expect(told.map(({ error }) => (error as { code?: string }).code)).toEqual(["timeout", "timeout"]);
    expect(told[0]!.report.name).toBe("app's");
  });

  test("21 lets a task that ends in time succeed, and its signal alone", async () => {
    const { app, told } = createApp();
    let signal: AbortSignal | undefined;
    const handles: TaskHandle[] = [];
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const handle = tasks.with({ timeout: "30ms" }).addTask(async () => {
        signal = currentTask().signal;
        return "in time";
      });
      handles.push(handle);
      tasks.addTask(() => delay(80));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(await handles[0]!.done).toEqual({ status: "succeeded", value: "in time" });
    expect(signal!.aborted).toBe(false);
    expect(told).toEqual([]);
  });
});

describe.each(hosts)("case 22 over $name", (host) => {
  test("22 never runs a task that was canceled before the start", async () => {
    const { app, told } = createApp();
    const recorder = new Recorder();
    let canceled: TaskHandle | undefined;
    app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      tasks.addTask(() => recorder.add("1"));
      canceled = tasks.addTask(() => recorder.add("canceled"));
      tasks.addTask(() => recorder.add("3"));
      expect(await canceled.status()).toBe("queued");
      expect(await canceled.cancel("changed my mind")).toBe(true);
      expect(await canceled.cancel()).toBe(false);
      return null;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(200);
    await session.finish();
    expect(recorder.events).toEqual(["1", "3"]);
    expect(await canceled!.done).toEqual({ status: "canceled", reason: "changed my mind" });
    expect(await canceled!.status()).toBe("canceled");
    expect(told).toEqual([]);
  });

  test("22 never runs a waiting task that was canceled while another ran", async () => {
    const { app } = createApp();
    const gate = createGate();
    const recorder = new Recorder();
    let waiting: TaskHandle | undefined;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("first starts");
        await gate.opened;
      });
      waiting = tasks.addTask(() => recorder.add("waiting"));
      tasks.addTask(() => recorder.add("last"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await recorder.when("first starts");
    expect(await waiting!.cancel()).toBe(true);
    gate.open();
    await session.finish();
    expect(recorder.events).toEqual(["first starts", "last"]);
    expect(await waiting!.done).toMatchObject({ status: "canceled" });
  });

  test("22 aborts the signal of a running task, which goes on if it does not listen, and starts the next", async () => {
    const { app, told } = createApp();
    const gate = createGate();
    const recorder = new Recorder();
    let running: TaskHandle | undefined;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      running = tasks.addTask(async () => {
        const { signal } = currentTask();
        signal.addEventListener("abort", () => recorder.add(`aborted: ${(signal.reason as Error).message}`));
        recorder.add("starts");
        await gate.opened;
        recorder.add("goes on");
        throw new Error("after the cancellation");
      });
      tasks.addTask(() => recorder.add("next"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await recorder.when("starts");
    expect(await running!.status()).toBe("running");
    expect(await running!.cancel("no longer needed")).toBe(true);
    await recorder.when("next");
    expect(recorder.events[1]).toContain("no longer needed");
    expect(await running!.done).toEqual({ status: "canceled", reason: "no longer needed" });
    expect(await running!.cancel()).toBe(false);
    gate.open();
    await recorder.when("goes on");
    await turns();
    expect(told).toEqual([]);
    expect(await running!.done).toMatchObject({ status: "canceled" });
  });

  test("22 ends a running task that listens to its signal as canceled, not as failed", async () => {
    const { app, told } = createApp();
    const recorder = new Recorder();
    let running: TaskHandle | undefined;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      running = tasks.addTask(async () => {
        recorder.add("starts");
        await delay(60_000, undefined, { signal: currentTask().signal });
      });
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await recorder.when("starts");
    expect(await running!.cancel()).toBe(true);
    await within(session.finish(), 5_000, "the end of the canceled task");
    expect(await running!.done).toMatchObject({ status: "canceled" });
    expect(told).toEqual([]);
  });

  test("22 shows a signal that is aborted already to a task that looks late, and lets a task cancel itself", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    let handle: TaskHandle | undefined;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      handle = tasks.addTask(async () => {
        await handle!.cancel();
        recorder.add(`aborted: ${currentTask().signal.aborted}`);
      });
      tasks.addTask(() => recorder.add("next"));
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    await recorder.when("aborted: true");
    await recorder.when("next");
    expect(await handle!.done).toMatchObject({ status: "canceled" });
  });

  test("22 answers false to a cancellation after the end, whose outcome stays", async () => {
    const { app } = createApp();
    let handle: TaskHandle<number> | undefined;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      handle = tasks.addTask(() => 7);
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(await handle!.cancel()).toBe(false);
    expect(await handle!.done).toEqual({ status: "succeeded", value: 7 });
  });

  test("22 gives each task an id of its own, known at once", async () => {
    const { app } = createApp();
    const ids: string[] = [];
    const inside: string[] = [];
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      for (let count = 0; count < 3; count++) {
        const { id, name } = tasks.with({ name: "named" }).addTask(() => void inside.push(currentTask().id));
        expect(name).toBe("named");
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        ids.push(id);
      }
      return null;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(200);
    await session.finish();
    expect(new Set(ids).size).toBe(3);
    expect(inside).toEqual(ids);
  });
});

/** What `work` prints with `console.error`. */
async function caught(work: () => Promise<void>): Promise<string> {
  const { error } = console;
  const lines: string[] = [];
  console.error = (...args: unknown[]) =>
    void lines.push(args.map((arg) => (arg instanceof Error ? arg.stack : String(arg))).join(" "));
  try {
    await work();
  } finally {
    console.error = error;
  }
  return lines.join("\n");
}
