// 3-semantics.md, "What runs when the request does not end well": cases 11 to 15 (16 comes with WebSockets).
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  App,
  BackgroundTask,
  BackgroundTasks,
  HTTPException,
  Reply,
  accepted,
  body,
  currentTask,
  dependency,
  html,
  json,
  jsonLines,
  query,
  redirect,
  sendFile,
  sse,
  stream,
  text,
  withBackground,
  type TaskHandle,
} from "afterword";
import * as z from "zod";
import { describe, expect, test } from "vitest";
import { toByteStream } from "../support/byte-stream.ts";
import { createGate } from "../support/gate.ts";
import { hosts, startApp } from "../support/hosts.ts";
import { RawClient } from "../support/raw-client.ts";
import { Recorder } from "../support/recorder.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns, waitUntil, within } from "../support/wait-until.ts";

keepTidy();

/** An app whose 500s stay out of the output of the tests, and that tells of dropped tasks. */
function createApp(...args: ConstructorParameters<typeof App>): {
  app: App;
  dropped: { name: string; reason: string }[];
} {
  const app = new App(...args);
  const dropped: { name: string; reason: string }[] = [];
  app.background.on("dropped", ({ name, reason }) => dropped.push({ name, reason }));
  return { app, dropped };
}

/** The error of the cases below: answered by a handler of its own, so that nothing is printed. */
class Trouble extends Error {}

describe.each(hosts)("case 11 over $name", (host) => {
  const results: [string, number, () => unknown][] = [
    ["data", 200, () => ({ ok: true })],
    ["null", 200, () => null],
    ["a string", 200, () => "text"],
    ["undefined", 200, () => undefined],
    ["a Response of 200", 200, () => new Response("ok")],
    ["a Response of 201 without a body", 201, () => new Response(null, { status: 201 })],
    ["a Response of 204", 204, () => new Response(null, { status: 204 })],
    ["a Response of 304", 304, () => new Response(null, { status: 304 })],
    ["a redirect", 307, () => redirect("/elsewhere")],
    ["a redirect of the platform", 302, () => Response.redirect("http://127.0.0.1/elsewhere", 302)],
    ["a Response of 404", 404, () => new Response("no", { status: 404 })],
    ["a Response of 422", 422, () => json({ detail: [] }, { status: 422 })],
    ["a Response of 500", 500, () => new Response("broken", { status: 500 })],
    ["a Response of 503", 503, () => text("later", { status: 503 })],
    ["an empty stream", 200, () => stream([])],
  ];

  test.each(results)("11 runs tasks after %s", async (_name, status, result) => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return result();
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(status);
    await session.finish();
    expect(recorder.events).toEqual(["task"]);
    expect(dropped).toEqual([]);
  });

  test.each([201, 204, 404, 500])("11 runs tasks after data with the route's status %i", async (status) => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    app.get("/", { status }, { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return status === 204 ? null : { status };
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(status);
    await session.finish();
    expect(recorder.events).toEqual(["task"]);
    expect(dropped).toEqual([]);
  });

  test.each([202, 400, 502])("11 runs tasks after data with the status %i set on the reply", async (status) => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks, reply: Reply }, ({ tasks, reply }) => {
      tasks.addTask(() => recorder.add("task"));
      reply.status = status;
      return { status };
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(status);
    await session.finish();
    expect(recorder.events).toEqual(["task"]);
    expect(dropped).toEqual([]);
  });

  test("11 runs tasks after the answer to HEAD, of data, of a stream and of a file", async () => {
    const file = join(await createTempDirectory(), "file.txt");
    await writeFile(file, "content");
    const { app } = createApp();
    const recorder = new Recorder();
    const route = (path: string, result: () => unknown) =>
      app.get(path, { tasks: BackgroundTasks }, ({ tasks }) => {
        tasks.addTask(() => recorder.add(path));
        return result();
      });
    route("/data", () => "data");
    route("/stream", () => stream(["a", "b"]));
    route("/file", () => sendFile(file));
    const session = await host.open(app);
    for (const path of ["/data", "/stream", "/file"]) {
      const answer = await session.request("HEAD", path);
      expect([answer.status, answer.text]).toEqual([200, ""]);
      await recorder.when(path);
    }
    expect(recorder.events).toEqual(["/data", "/stream", "/file"]);
  });
});

describe.each(hosts)("case 12 over $name", (host) => {
  interface Failure {
    readonly name: string;
    readonly status: number;
    /** Makes the route "/" fail after `add` was called. */
    readonly define: (app: App, add: (tasks: BackgroundTasks) => void) => void;
  }

  const failures: Failure[] = [
    {
      name: "a thrown HTTPException",
      status: 418,
      define: (app, add) =>
        app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
          add(tasks);
          throw new HTTPException(418, "a teapot");
        }),
    },
    {
      name: "an HTTPException thrown after an await",
      status: 404,
      define: (app, add) =>
        app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
          add(tasks);
          await delay(1);
          throw new HTTPException(404);
        }),
    },
    {
      name: "an HTTPException with a status of success",
      status: 200,
      define: (app, add) =>
        app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
          add(tasks);
          throw new HTTPException(200, "thrown all the same");
        }),
    },
    {
      name: "another error, which an error handler answers",
      status: 400,
      define: (app, add) => {
        app.onError(Trouble, () => json({ trouble: true }, { status: 400 }));
        app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
          add(tasks);
          throw new Trouble("trouble");
        });
      },
    },
    {
      name: "an error that an error handler answers with 200",
      status: 200,
      define: (app, add) => {
        app.onError(Trouble, () => json("all is well", { status: 200 }));
        app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
          add(tasks);
          throw new Trouble("trouble");
        });
      },
    },
    {
      name: "input that is invalid (422)",
      status: 422,
      define: (app, add) => {
        const adds = dependency({ tasks: BackgroundTasks }, ({ tasks }) => add(tasks));
        app.get("/", { adds, number: query(z.int()) }, () => null);
      },
    },
    {
      name: "a body that is missing (422)",
      status: 422,
      define: (app, add) => {
        const adds = dependency({ tasks: BackgroundTasks }, ({ tasks }) => add(tasks));
        app.get("/", { adds, data: body(z.object({ a: z.string() })) }, () => null);
      },
    },
    {
      name: "a dependency that fails",
      status: 401,
      define: (app, add) => {
        const adds = dependency({ tasks: BackgroundTasks }, ({ tasks }) => add(tasks));
        const fails = dependency(async () => {
          await delay(1);
          throw new HTTPException(401);
        });
        app.get("/", { adds, fails }, () => null);
      },
    },
    {
      name: "a dependency that adds and fails itself",
      status: 403,
      define: (app, add) => {
        const fails = dependency({ tasks: BackgroundTasks }, ({ tasks }) => {
          add(tasks);
          throw new HTTPException(403);
        });
        app.get("/", { dependencies: [fails] }, {}, () => null);
      },
    },
  ];

  test.each(failures)(
    "12 runs only what asked for it after $name, and reports the rest",
    async ({ status, define }) => {
      const { app, dropped } = createApp();
      const recorder = new Recorder();
      const handles: Record<string, TaskHandle> = {};
      define(app, (tasks) => {
        handles["success 1"] = tasks.with({ name: "success 1" }).addTask(() => recorder.add("success 1"));
        tasks.with({ when: "always", name: "always" }).addTask(() => recorder.add("always"));
        handles["success 2"] = tasks
          .with({ when: "success", name: "success 2" })
          .addTask(() => recorder.add("success 2"));
        tasks.with({ when: "error", name: "error" }).addTask(() => recorder.add("error"));
        tasks.with({ when: "always" }).addTask(() => recorder.add("always again"));
      });
      const session = await host.open(app);
      expect((await session.request("GET", "/")).status).toBe(status);
      await session.finish();

      expect(recorder.events).toEqual(["always", "error", "always again"]);
      expect(dropped.map(({ name }) => name)).toEqual(["success 1", "success 2"]);
      for (const { reason } of dropped) expect(reason).toMatch(/\w/);
      for (const name of ["success 1", "success 2"]) {
        const outcome = await within(handles[name]!.done, 1_000, `the outcome of ${name}`);
        expect(outcome).toMatchObject({ status: "dropped", reason: expect.stringMatching(/\w/) });
        expect(await handles[name]!.status()).toBe("dropped");
      }
    },
  );

  test.each([
    ["a plain Error", new Error("kept inside")],
    ["a thrown string", "kept inside"],
    ["undefined", undefined],
  ])("12 drops and reports tasks after %s, and answers 500", async (_name, thrown) => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "lost mail" }).addTask(() => recorder.add("success"));
      tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
      throw thrown;
    });
    const session = await host.open(app);
    const { result: answer, printed } = await silently(() => session.request("GET", "/"));
    expect([answer.status, answer.text]).toEqual([500, "Internal Server Error"]);
    await session.finish();
    expect(recorder.events).toEqual(["always"]);
    expect(dropped.map(({ name }) => name)).toEqual(["lost mail"]);
    expect(printed).toContain(String(thrown));
  });

  test("12 drops and reports tasks when what the handler returned does not fit the response schema", async () => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    app.get("/", { response: z.object({ id: z.int() }) }, { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "success" }).addTask(() => recorder.add("success"));
      tasks.with({ when: "error" }).addTask(() => recorder.add("error"));
      return { id: "seven" } as unknown as { id: number };
    });
    const session = await host.open(app);
    const { result: answer } = await silently(() => session.request("GET", "/"));
    expect(answer.status).toBe(500);
    await session.finish();
    expect(recorder.events).toEqual(["error"]);
    expect(dropped.map(({ name }) => name)).toEqual(["success"]);
  });

  test("12 drops and reports tasks when a middleware throws after the handler has returned", async () => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    app.onError(Trouble, () => json("trouble", { status: 409 }));
    app.use(async (_context, next) => {
      await next();
      throw new Trouble();
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "success" }).addTask(() => recorder.add("success"));
      tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
      return null;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(409);
    await session.finish();
    expect(recorder.events).toEqual(["always"]);
    expect(dropped.map(({ name }) => name)).toEqual(["success"]);
  });

  test("12 reports a dropped task with its reason, its request's id and its times", async () => {
    const { app } = createApp();
    const events: unknown[] = [];
    app.background.on("dropped", (event) => events.push(event));
    const startedAt = Date.now();
    let handle: TaskHandle | undefined;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      handle = tasks.addTask(function sendMail() {});
      throw new HTTPException(409, "taken already");
    });
    const session = await host.open(app);
    await session.request("GET", "/", { headers: { "x-request-id": "request-7" } });
    await session.finish();
    expect(events).toEqual([
      expect.objectContaining({
        id: handle!.id,
        name: "sendMail",
        requestId: "request-7",
        reason: expect.stringContaining("taken already"),
        startedAt: undefined,
        addedAt: expect.any(Number),
        endedAt: expect.any(Number),
      }),
    ]);
    const [{ addedAt, endedAt }] = events as [{ addedAt: number; endedAt: number }];
    expect(addedAt).toBeGreaterThanOrEqual(startedAt);
    expect(endedAt).toBeGreaterThanOrEqual(addedAt);
  });

  test("12 reports each dropped task of a response that was made before the request failed", async () => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    const transaction = dependency({ scope: "function" }, {}, function* () {
      yield null;
      throw new HTTPException(503);
    });
    const record = (name: string) => recorder.add(name);
    app.get("/one", { transaction }, () => json(null, { background: new BackgroundTask(record, "one") }));
    app.get("/list", { transaction, tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "injected" }).addTask(record, "injected");
      const background = new BackgroundTasks([
        new BackgroundTask(function first() {
          record("first");
        }),
      ]);
      background.with({ name: "second" }).addTask(record, "second");
      return json(null, { background });
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/one")).status).toBe(503);
    expect((await session.request("GET", "/list")).status).toBe(503);
    await session.finish();
    expect(recorder.events).toEqual([]);
    expect(dropped.map(({ name }) => name)).toEqual(["record", "injected", "first", "second"]);
  });

  test("12 runs success and always tasks, and no error task, when the request succeeds", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ when: "error" }).addTask(() => recorder.add("error"));
      tasks.with({ when: "success" }).addTask(() => recorder.add("success"));
      tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
      tasks.addTask(() => recorder.add("default"));
      return json("of a failure, but returned", { status: 500 });
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(500);
    await session.finish();
    expect(recorder.events).toEqual(["success", "always", "default"]);
  });

  test("12 drops nothing of another request", async () => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    const gate = createGate();
    app.get("/good", { tasks: BackgroundTasks }, async ({ tasks }) => {
      tasks.addTask(() => recorder.add("good"));
      recorder.add("good handler");
      await gate.opened;
      return null;
    });
    app.get("/bad", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "bad" }).addTask(() => recorder.add("bad"));
      throw new HTTPException(400);
    });
    const session = await host.open(app);
    const good = session.request("GET", "/good");
    await recorder.when("good handler");
    expect((await session.request("GET", "/bad")).status).toBe(400);
    gate.open();
    expect((await good).status).toBe(200);
    await session.finish();
    expect(recorder.events).toEqual(["good handler", "good"]);
    expect(dropped.map(({ name }) => name)).toEqual(["bad"]);
  });
});

describe.each(hosts)("case 13 over $name", (host) => {
  type Attach = (background: BackgroundTask) => unknown;
  const attachments: [string, Attach][] = [
    ["json()", (background) => json({}, { background })],
    ["text()", (background) => text("", { background })],
    ["html()", (background) => html("<p>", { background })],
    ["redirect()", (background) => redirect("/", { background })],
    ["stream()", (background) => stream(["a"], { background })],
    ["jsonLines()", (background) => jsonLines([1], { background })],
    ["sse()", (background) => sse([{ data: "a" }], { background })],
    ["accepted()", (background) => accepted({}, { background })],
    ["sendFile()", (background) => sendFile(new URL(import.meta.url), { background })],
    ["withBackground()", (background) => withBackground(new Response("a"), background)],
    ["withBackground() on a helper", (background) => withBackground(sendFile(new URL(import.meta.url)), background)],
  ];

  test.each(attachments)("13 runs the injected tasks first, then those of %s", async (_name, attach) => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    const adds = dependency({ tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("injected by a dependency"));
    });
    app.get("/", { adds, tasks: BackgroundTasks }, ({ tasks }) => {
      const response = attach(new BackgroundTask((name: string) => recorder.add(name), "own"));
      tasks.addTask(() => recorder.add("injected"));
      return response;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBeLessThan(400);
    await session.finish();
    expect(recorder.events).toEqual(["injected by a dependency", "injected", "own"]);
    expect(dropped).toEqual([]);
  });

  test.each(attachments)("13 runs the injected object once when it is attached by %s itself", async (_name, attach) => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("1"));
      const response = attach(tasks);
      tasks.addTask(() => recorder.add("2"));
      return response;
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBeLessThan(400);
    await session.finish();
    expect(recorder.events).toEqual(["1", "2"]);
  });

  test("13 runs the injected object once when it is attached twice, or as what with() gave", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("1"));
      const response = json(null, { background: tasks.with({ when: "always" }) });
      return withBackground(withBackground(response, tasks), tasks);
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["1"]);
  });

  test("13 runs a list of its own after the injected tasks, also what is added to it later", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const own = new BackgroundTasks([new BackgroundTask(() => recorder.add("own 1"))]);
      own.addTask(async () => {
        await delay(1);
        recorder.add("own 2");
        own.addTask(() => recorder.add("own added while it ran"));
      });
      const response = json(null, { background: own });
      own.addTask(() => recorder.add("own 3"));
      tasks.addTask(() => recorder.add("injected"));
      return response;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["injected", "own 1", "own 2", "own 3", "own added while it ran"]);
  });

  test("13 runs what is attached by the helper, by withBackground and by the route's option, each once", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    const record = (name: string) => recorder.add(name);
    app.get(
      "/",
      { background: new BackgroundTask(record, "of the route") },
      { tasks: BackgroundTasks },
      ({ tasks }) => {
        tasks.addTask(record, "injected");
        const response = json(null, { background: new BackgroundTask(record, "of the helper") });
        return withBackground(response, new BackgroundTask(record, "attached"));
      },
    );
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events.slice(0, 3)).toEqual(["injected", "of the helper", "attached"]);
    expect(recorder.events.slice(3)).toEqual(["of the route"]);
  });

  test("13 runs a response's own background without any injected tasks, and one task for many responses", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    const shared = new BackgroundTask(async () => {
      await delay(1);
      recorder.add("shared");
    });
    app.get("/helper", () => json(null, { background: shared }));
    app.get("/option", { background: shared }, {}, () => null);
    const session = await host.open(app);
    for (const path of ["/helper", "/option", "/helper", "/option"]) await session.request("GET", path);
    await session.finish();
    expect(recorder.count("shared")).toBe(4);
  });

  test("13 runs every task of a list that all responses of a route share, for each response", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    const shared = new BackgroundTasks([new BackgroundTask((name: string) => recorder.add(name), "made by hand")]);
    shared.addTask(() => recorder.add("added"));
    app.get("/", { background: shared }, {}, () => null);
    const session = await host.open(app);
    for (let count = 0; count < 3; count++) await session.request("GET", "/");
    await session.finish();
    expect(recorder.count("made by hand")).toBe(3);
    expect(recorder.count("added")).toBe(3);
    expect(shared.tasks).toHaveLength(2);
  });

  test("13 runs a task that is added to a shared list later for each response after that, and not before", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    const shared = new BackgroundTasks([new BackgroundTask(() => recorder.add("first"))]);
    app.get("/", { background: shared }, {}, () => null);
    const session = await host.open(app);
    await session.request("GET", "/");
    await recorder.when("first");
    await turns();
    shared.addTask(() => recorder.add("second"));
    await turns();
    expect(recorder.events).toEqual(["first"]);
    await session.request("GET", "/");
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.count("first")).toBe(3);
    expect(recorder.count("second")).toBe(2);
  });

  test("13 runs what is added to a response's own list through an older with() while it runs", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.get("/", () => {
      const own = new BackgroundTasks();
      const named = own.with({ name: "named" });
      own.addTask(() => {
        recorder.add("first");
        named.addTask(() => recorder.add(currentTask().name));
      });
      return json(null, { background: own });
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual(["first", "named"]);
  });

  test("13 leaves a long list whole that all responses of a route share", async () => {
    const { app } = createApp();
    let runs = 0;
    const shared = new BackgroundTasks(Array.from({ length: 3_000 }, () => new BackgroundTask(() => void runs++)));
    app.get("/", { background: shared }, {}, () => null);
    const session = await host.open(app);
    for (const total of [3_000, 6_000]) {
      await session.request("GET", "/");
      await waitUntil(() => runs === total, { what: `${total} tasks have run, so far ${runs}` });
    }
    await session.finish();
    expect(shared.tasks).toHaveLength(3_000);
  });

  test("13 gives the handles of a response's own list their outcome, and its tasks their id", async () => {
    const { app } = createApp();
    const ids: string[] = [];
    const handles: TaskHandle[] = [];
    app.get("/", () => {
      const own = new BackgroundTasks();
      handles.push(own.addTask(() => void ids.push(currentTask().id)));
      handles.push(own.with({ timeout: 20, name: "slow" }).addTask(() => new Promise(() => {})));
      handles.push(own.addTask(() => "last"));
      return json(null, { background: own });
    });
    const session = await host.open(app);
    const { printed } = await silently(async () => {
      await session.request("GET", "/");
      await session.finish();
    });
    expect(ids).toEqual([handles[0]!.id]);
    expect(await within(Promise.all(handles.map(({ done }) => done)), 1_000, "the outcomes")).toMatchObject([
      { status: "succeeded" },
      { status: "failed", error: { code: "timeout" } },
      { status: "succeeded", value: "last" },
    ]);
    expect(printed).toContain("slow");
  });

  test("13 does not run the background of a response that was made and not returned", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.get("/", () => {
      json(null, { background: new BackgroundTask(() => recorder.add("not returned")) });
      return null;
    });
    const session = await host.open(app);
    await session.request("GET", "/");
    await session.finish();
    expect(recorder.events).toEqual([]);
  });
});

describe.each(hosts)("case 14 over $name", (host) => {
  test.each([
    ["json()", (task: BackgroundTask) => json("handled", { status: 409, background: task })],
    ["withBackground()", (task: BackgroundTask) => withBackground(new Response('"handled"', { status: 409 }), task)],
  ])("14 runs the background of an error handler's response made by %s", async (_name, respond) => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    app.onError(Trouble, async (error) => {
      await delay(1);
      return respond(new BackgroundTask((message: string) => recorder.add(`handler's: ${message}`), error.message));
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.with({ name: "success" }).addTask(() => recorder.add("success"));
      tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
      throw new Trouble("trouble");
    });
    const session = await host.open(app);
    const answer = await session.request("GET", "/");
    expect([answer.status, answer.text]).toEqual([409, '"handled"']);
    await session.finish();
    expect(recorder.events).toEqual(["always", "handler's: trouble"]);
    expect(dropped.map(({ name }) => name)).toEqual(["success"]);
  });

  test("14 runs every task of a list that an error handler's response carries, without injected tasks", async () => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    app.onError(HTTPException, (error) => {
      const tasks = new BackgroundTasks();
      tasks.addTask(() => recorder.add("1"));
      tasks.addTask(() => recorder.add("2"));
      return json({ detail: error.detail }, { status: error.status, background: tasks });
    });
    app.get("/", () => {
      throw new HTTPException(403, "no");
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(403);
    await session.finish();
    expect(recorder.events).toEqual(["1", "2"]);
    expect(dropped).toEqual([]);
  });

  test("14 runs it behind middleware, too", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.use(async (_context, next) => {
      await next();
      recorder.add("middleware after");
    });
    app.onError(Trouble, () => json(null, { background: new BackgroundTask(() => recorder.add("task")) }));
    app.get("/", () => {
      throw new Trouble();
    });
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(200);
    await session.finish();
    expect(recorder.events).toEqual(["middleware after", "task"]);
  });

  test("14 runs it when the error came from a middleware", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.onError(Trouble, () => json(null, { status: 418, background: new BackgroundTask(() => recorder.add("task")) }));
    app.use(async () => {
      throw new Trouble();
    });
    app.get("/", () => null);
    const session = await host.open(app);
    expect((await session.request("GET", "/")).status).toBe(418);
    await session.finish();
    expect(recorder.events).toEqual(["task"]);
  });
});

describe.each(hosts)("case 15 over $name", (host) => {
  test("15 runs tasks when the client goes before the answer, and shows it in the request's signal", async () => {
    const gate = createGate();
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    const aborted: unknown[] = [];
    app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      recorder.add("handler starts");
      tasks.addTask(() => {
        aborted.push(currentTask().request?.signal.aborted);
        recorder.add("task");
      });
      await gate.opened;
      recorder.add("handler returns");
      return "nobody reads this";
    });
    const session = await host.open(app);
    const client = await session.impatient();
    client.send("GET", "/");
    await recorder.when("handler starts");
    await client.hangUp();
    await turns();
    gate.open();
    await recorder.when("task");
    await session.finish();
    expect(recorder.events).toEqual(["handler starts", "handler returns", "task"]);
    expect(aborted).toEqual([true]);
    expect(dropped).toEqual([]);
  });

  test("15 tells the handler, too, that the client has gone, by the AbortSignal it declared", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks, signal: AbortSignal }, async ({ tasks, signal }) => {
      tasks.addTask(() => recorder.add("task"));
      recorder.add("handler starts");
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      recorder.add("handler was told");
      return null;
    });
    const session = await host.open(app);
    const client = await session.impatient();
    client.send("GET", "/");
    await recorder.when("handler starts");
    await client.hangUp();
    await recorder.when("task");
    expect(recorder.events).toEqual(["handler starts", "handler was told", "task"]);
  });

  test("15 runs tasks when the client goes after reading the answer, whose signal is not aborted", async () => {
    const gate = createGate();
    const { app } = createApp();
    const recorder = new Recorder();
    const aborted: unknown[] = [];
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(async () => {
        recorder.add("first task starts");
        await gate.opened;
        aborted.push(currentTask().request?.signal.aborted);
      });
      tasks.addTask(() => recorder.add("second task"));
      return "read";
    });
    const session = await host.open(app);
    const answer = await session.begin("GET", "/");
    expect(await answer.rest()).toBe('"read"');
    await recorder.when("first task starts");
    await answer.hangUp();
    await turns();
    gate.open();
    await recorder.when("second task");
    expect(recorder.events).toEqual(["first task starts", "second task"]);
    expect(aborted).toEqual([false]);
  });

  test.each([
    ["an async iterable", (chunks: AsyncGenerator<string>) => chunks],
    ["a Response with a stream", (chunks: AsyncGenerator<string>) => new Response(toByteStream(chunks))],
  ])("15 runs tasks when the client breaks off %s, and shows it in the request's signal", async (_name, toResult) => {
    const { app, dropped } = createApp();
    const recorder = new Recorder();
    const aborted: unknown[] = [];
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => {
        aborted.push(currentTask().request?.signal.aborted);
        recorder.add("task");
      });
      return toResult(
        (async function* () {
          try {
            for (let number = 0; ; number++) {
              yield `chunk ${number} `;
              await delay(2);
            }
          } finally {
            recorder.add("producer is closed");
          }
        })(),
      );
    });
    const session = await host.open(app);
    const answer = await session.begin("GET", "/");
    await answer.received("chunk 3");
    expect(recorder.events).toEqual([]);
    await answer.hangUp();
    await recorder.when("task");
    await recorder.when("producer is closed");
    expect(aborted).toEqual([true]);
    expect(dropped).toEqual([]);
  });

  test("15 drops and reports success tasks when the producer of a stream throws, and runs the others", async () => {
    const told: unknown[] = [];
    const { app, dropped } = createApp({ background: { onError: (error) => void told.push(error) } });
    const recorder = new Recorder();
    const error = new Error("the producer failed");
    let handle: TaskHandle | undefined;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      handle = tasks.with({ name: "success" }).addTask(() => recorder.add("success"));
      tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
      tasks.with({ when: "error" }).addTask(() => recorder.add("error"));
      return (async function* () {
        yield "some of it";
        tasks.with({ name: "added by the producer" }).addTask(() => recorder.add("added by the producer"));
        throw error;
      })();
    });
    const session = await host.open(app);
    const answer = await session.begin("GET", "/");
    expect(answer.status).toBe(200);
    await expect(answer.rest(), "a client that is told of the failure").rejects.toThrow();
    await recorder.when("error");
    await session.finish();
    expect(recorder.events).toEqual(["always", "error"]);
    expect(dropped.map(({ name }) => name)).toEqual(["success", "added by the producer"]);
    for (const { reason } of dropped) expect(reason).toMatch(/\w/);
    expect(await handle!.done).toMatchObject({ status: "dropped" });
    // An error that nobody could be answered with must not vanish.
    expect(told).toEqual([error]);
  });
});

describe("case 15 on the wire", () => {
  test.each(["hangUp", "reset"] as const)("15 runs tasks after a %s before the answer", async (way) => {
    const gate = createGate();
    const { app } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      tasks.addTask(() => recorder.add(`task, aborted: ${currentTask().request?.signal.aborted}`));
      recorder.add("handler starts");
      await gate.opened;
      return "x".repeat(1_000_000);
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    client.send("GET", "/");
    await recorder.when("handler starts");
    client[way]();
    await client.closed;
    await turns();
    gate.open();
    await recorder.when("task, aborted: true");
  });

  test("15 runs tasks when the client goes in the middle of a large body", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add(`task, aborted: ${currentTask().request?.signal.aborted}`));
      return new Response(new Uint8Array(64 * 1024 * 1024));
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    await client.send("GET", "/").head;
    client.pause();
    await turns();
    expect(recorder.events).toEqual([]);
    client.reset();
    await recorder.when("task, aborted: true");
  });

  test("15 runs tasks when the client goes while its request's body is still to come", async () => {
    const { app } = createApp();
    const recorder = new Recorder();
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("task"));
      return "not waiting for the body";
    });
    const server = await startApp(app);
    const client = await RawClient.connect(server.port);
    const exchange = client.begin("POST", "/", { "content-length": "1000" });
    client.write("x".repeat(10));
    expect((await exchange.response).status).toBe(200);
    client.hangUp();
    await recorder.when("task");
    await waitUntil(() => client.isClosed);
  });

  test("15 cuts the connection when the producer of a stream throws, so that the client knows", async () => {
    const { app } = createApp({ background: { onError: () => {} } });
    app.get("/", { tasks: BackgroundTasks }, () =>
      (async function* () {
        yield "some of it";
        throw new Error("the producer failed");
      })(),
    );
    app.get("/no-tasks", () =>
      (async function* () {
        yield "some of it";
        throw new Error("the producer failed");
      })(),
    );
    const server = await startApp(app);
    for (const path of ["/", "/no-tasks"]) {
      const client = await RawClient.connect(server.port);
      const exchange = client.send("GET", path);
      const { result } = await silently(() =>
        exchange.response.then(
          () => "whole",
          () => "cut",
        ),
      );
      expect([path, result, exchange.isCut]).toEqual([path, "cut", true]);
      await within(client.closed, 5_000, "the connection to be cut");
    }
  });
});

/** Runs `work` with `console.error` caught, and gives what was printed. */
async function silently<T>(work: () => Promise<T>): Promise<{ result: T; printed: string }> {
  const { error } = console;
  const lines: string[] = [];
  console.error = (...args: unknown[]) => void lines.push(args.map(String).join(" "));
  try {
    return { result: await work(), printed: lines.join("\n") };
  } finally {
    console.error = error;
  }
}
