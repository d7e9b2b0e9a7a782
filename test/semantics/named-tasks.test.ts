// 3-semantics.md, "Named tasks in an endpoint: the 202 promise": cases 30 to 36.
import { AsyncLocalStorage } from "node:async_hooks";
import {
  accepted,
  App,
  BackgroundTask,
  BackgroundTasks,
  chain,
  currentTask,
  dependency,
  HTTPException,
  json,
  Router,
  stream,
  task,
  taskRoutes,
  type JobHandle,
} from "afterword";
import { TestClient } from "afterword/testing";
import { describe, expect, test, vi } from "vitest";
import { embeddedBrokers, rigged, type BrokerKind } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { hosts, type Host } from "../support/hosts.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns, waitUntil } from "../support/wait-until.ts";

keepTidy();

const matrix = hosts.flatMap((host) =>
  embeddedBrokers.map((kind) => ({ host, kind, name: `${host.name}, ${kind.name}` })),
);

/** An app on a broker that a test can rig, and the recorder of what happens. */
async function setUp(kind: BrokerKind, options: { readonly worker?: false } = {}) {
  const broker = rigged(await kind.create());
  const recorder = new Recorder();
  const errors: unknown[] = [];
  const app = new App({ broker, ...options, background: { onError: (error) => void errors.push(error) } });
  app.background.on("dropped", ({ name, reason }) => recorder.add(`dropped ${name}: ${reason}`));
  return { app, broker, recorder, errors };
}

async function serve(host: Host, app: App) {
  const session = await host.open(app);
  return {
    session,
    async [Symbol.asyncDispose]() {
      await session.finish();
      await app.close();
    },
  };
}

describe.each(matrix)("named tasks over $name", ({ host, kind }) => {
  test("30 are stored in one batch, before the first byte of the response leaves", async () => {
    const { app, broker } = await setUp(kind, { worker: false });
    const note = task("s30.note", async (_text: string) => {});
    const gate = createGate();
    broker.rig = gate.opened;
    const dep = dependency({ tasks: BackgroundTasks }, function* open({ tasks }) {
      tasks.addTask(note, "dependency");
      yield 1;
      tasks.addTask(note, "late, in request-scope clean-up");
    });
    const closed = dependency({ scope: "function" }, { tasks: BackgroundTasks }, function* open({ tasks }) {
      yield 1;
      tasks.addTask(note, "function scope");
    });
    app.get("/", { dep, closed, tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(note, "handler");
      return json({ ok: true }, { background: new BackgroundTask(note, "response") });
    });
    await using served = await serve(host, app);
    let answered = false;
    const answer = served.session.request("GET", "/").then((response) => {
      answered = true;
      return response;
    });
    await waitUntil(() => broker.batches.length === 1);
    await turns();
    expect(answered).toBe(false);
    expect(broker.batches[0]!.map(({ args }) => JSON.parse(args)[0])).toEqual([
      "dependency",
      "handler",
      "response",
      "function scope",
    ]);
    gate.open();
    broker.rig = "store";
    expect((await answer).status).toBe(200);
    const [queue] = await broker.counts();
    expect(queue!.queued).toBeGreaterThanOrEqual(4);
  });

  test("31 may start before the response has left, with copies of their arguments and without the request", async () => {
    const { app, recorder } = await setUp(kind);
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const gate = createGate();
    const run = task("s31.run", async (data: { list: number[] }) => {
      seen.push(data, storage.getStore(), currentTask().request);
      recorder.add("job ran");
    });
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      const data = { list: [1] };
      storage.enterWith("the request's");
      tasks.addTask(run, data);
      data.list.push(2);
      return stream(
        (async function* () {
          yield "a";
          await gate.opened;
          yield "b";
        })(),
      );
    });
    await using served = await serve(host, app);
    const answer = await served.session.begin("GET", "/");
    await recorder.when("job ran");
    expect(seen).toEqual([{ list: [1] }, undefined, undefined]);
    gate.open();
    expect(await answer.rest()).toBe("ab");
  });

  test.each(["fail before storing", "fail after storing"] as const)(
    "32 answer 503 with Retry-After when they %s, and only always and error functions run",
    async (rig) => {
      const { app, broker, recorder } = await setUp(kind, { worker: false });
      const job = task("s32.job", async () => {});
      const handles: JobHandle[] = [];
      app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
        for (const when of ["success", "always", "error"] as const)
          tasks.with({ when, name: when }).addTask(() => recorder.add(`function ${when}`));
        handles.push(tasks.addTask(job));
        return accepted(handles[0]!);
      });
      await using served = await serve(host, app);
      broker.rig = rig;
      const told = vi.spyOn(console, "error").mockImplementation(() => {});
      const answer = await served.session.request("GET", "/");
      expect(answer.status).toBe(503);
      // Where the jobs are and what is wrong there is for the operator, not for the client.
      expect(JSON.parse(answer.text)).toEqual({ detail: expect.stringMatching(/Try again later\.$/) as string });
      expect(told).toHaveBeenCalledExactlyOnceWith(
        "GET / was answered with 503, because of:",
        expect.objectContaining({ message: expect.stringMatching(/disk is full|connection was lost/) as string }),
      );
      told.mockRestore();
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(answer.headers.get("location")).toBeNull();
      await recorder.when("function error");
      expect(recorder.events.filter((event) => event.startsWith("function"))).toEqual([
        "function always",
        "function error",
      ]);
      expect(recorder.events[0]).toMatch(/^dropped success: its request failed: /);
      await expect(handles[0]!.stored).rejects.toMatchObject({
        code: rig === "fail before storing" ? "not_stored" : "maybe_stored",
      });
      expect((await handles[0]!.done).status).toBe(rig === "fail before storing" ? "dropped" : "lost");
      broker.rig = "store";
      expect((await served.session.request("GET", "/")).status).toBe(202);
    },
  );

  test("33 are stored although the client has gone before its answer", async () => {
    const { app, broker, recorder } = await setUp(kind);
    const gate = createGate();
    const job = task("s33.gone", async () => recorder.add("job ran"));
    app.get("/", { tasks: BackgroundTasks }, async ({ tasks }) => {
      tasks.addTask(job);
      recorder.add("handler");
      await gate.opened;
      return accepted(tasks.addTask(job));
    });
    await using served = await serve(host, app);
    const client = await served.session.impatient();
    client.send("GET", "/");
    await recorder.when("handler");
    await client.hangUp();
    gate.open();
    await waitUntil(() => recorder.count("job ran") === 2);
    expect(broker.batches.map((jobs) => jobs.length)).toEqual([2]);
  });

  test("34 are not stored when the handler throws, unless when says so", async () => {
    const { app, broker, recorder } = await setUp(kind, { worker: false });
    const job = task("s34.job", async (_when: string) => {});
    const handles: Record<string, JobHandle> = {};
    app.get("/:how", { tasks: BackgroundTasks, request: Request }, ({ tasks, request }) => {
      for (const when of ["success", "always", "error"] as const)
        handles[when] = tasks.with({ when }).addTask(job, when);
      if (request.url.endsWith("/throws")) throw new HTTPException(409, "no");
      if (request.url.endsWith("/returns-error")) return json({ detail: "no" }, { status: 409 });
      return "ok";
    });
    await using served = await serve(host, app);
    expect((await served.session.request("GET", "/throws")).status).toBe(409);
    expect(broker.batches.at(-1)!.map(({ args }) => args)).toEqual(['["always"]', '["error"]']);
    expect(await handles.success!.status()).toBe("dropped");
    expect(recorder.events).toEqual(["dropped s34.job: its request was answered with an HTTPException: 409 no"]);
    for (const path of ["/returns-error", "/works"]) {
      await served.session.request("GET", path);
      expect(broker.batches.at(-1)!.map(({ args }) => args)).toEqual(['["success"]', '["always"]']);
      await waitUntil(async () => (await handles.error!.status()) === "dropped");
    }
    expect(broker.batches).toHaveLength(3);
  });

  test("34 are not stored when the input is invalid, the response does not fit, a file is not there, or the commit fails", async () => {
    const { app, broker } = await setUp(kind, { worker: false });
    const job = task("s34b.job", async () => {});
    const adding = dependency({ tasks: BackgroundTasks }, ({ tasks }) => void tasks.addTask(job));
    const { query, sendFile } = await import("afterword");
    const z = await import("zod");
    const commit = dependency({ scope: "function" }, {}, function* commit() {
      yield 1;
      throw new Error("commit failed");
    });
    vi.spyOn(console, "error").mockImplementation(() => {});
    app.get("/invalid", { adding, n: query(z.int()) }, () => "never");
    app.get("/misfit", { response: z.object({ a: z.string() }) }, { adding }, () => ({ a: 1 }) as never);
    app.get("/file", { adding }, () => sendFile("/no/such/file"));
    app.get("/commit", { adding, commit }, () => "never");
    await using served = await serve(host, app);
    const statuses: number[] = [];
    for (const path of ["/invalid?n=x", "/misfit", "/file", "/commit"])
      statuses.push((await served.session.request("GET", path)).status);
    expect(statuses).toEqual([422, 500, 404, 500]);
    expect(broker.batches).toEqual([]);
    vi.restoreAllMocks();
  });

  test("35 that are added later are stored at once, and a failure is told to the handle and to onError", async () => {
    const { app, broker, errors } = await setUp(kind, { worker: false });
    const job = task("s35.job", async (_from: string) => {});
    const handles: JobHandle[] = [];
    const late = dependency({ tasks: BackgroundTasks }, function* late({ tasks }) {
      yield 1;
      handles.push(tasks.addTask(job, "clean-up"));
    });
    app.get("/", { late, tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => void handles.push(tasks.addTask(job, "function")));
      return stream(
        (async function* () {
          yield "a";
          handles.push(tasks.addTask(job, "producer"));
          await handles[0]!.stored;
          yield "b";
        })(),
      );
    });
    await using served = await serve(host, app);
    expect((await served.session.request("GET", "/")).text).toBe("ab");
    await waitUntil(() => handles.length === 3);
    await Promise.all(handles.map((handle) => handle.stored));
    expect(broker.batches.map((jobs) => jobs.map(({ args }) => args))).toEqual(
      [[['["producer"]']], [['["function"]']], [['["clean-up"]']]].map(([batch]) => batch!.map(String)),
    );

    broker.rig = "fail before storing";
    handles.length = 0;
    app.get("/fails", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => void handles.push(tasks.addTask(job, "function")));
      return "ok";
    });
    expect((await served.session.request("GET", "/fails")).status).toBe(200);
    await waitUntil(() => errors.length === 1);
    expect(errors[0]).toMatchObject({ code: "not_stored" });
    await expect(handles[0]!.stored).rejects.toMatchObject({ code: "not_stored" });
  });

  test("36 may be mixed with functions, which keep their order among themselves", async () => {
    const { app, recorder } = await setUp(kind);
    const job = task("s36.job", async (n: number) => recorder.add(`job ${n}`));
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(() => recorder.add("function 1"));
      tasks.addTask(job, 1);
      tasks.addTask(() => recorder.add("function 2"));
      tasks.addTask(job, 2);
      return tasks.tasks.length;
    });
    await using served = await serve(host, app);
    expect((await served.session.request("GET", "/")).text).toBe("4");
    for (const event of ["job 1", "job 2", "function 2"]) await recorder.when(event);
    expect(recorder.events.filter((event) => event.startsWith("function"))).toEqual(["function 1", "function 2"]);
  });

  test("36 of a task with a transaction are refused where they are added", async () => {
    const { app } = await setUp(kind, { worker: false });
    const job = task("s36.transaction", async () => {});
    let message = "";
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      try {
        tasks.addTask(job.with({ transaction: {} }));
      } catch (error) {
        message = (error as Error).message;
      }
      return null;
    });
    await using served = await serve(host, app);
    await served.session.request("GET", "/");
    expect(message).toContain("Call enqueue() while the transaction is open.");
  });

  test("are refused at addTask when their arguments are no JSON, and the request fails as with any error", async () => {
    const { app, broker } = await setUp(kind, { worker: false });
    vi.spyOn(console, "error").mockImplementation(() => {});
    const job = task("s.json", async (_value: unknown) => {});
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(job, "fine");
      tasks.addTask(job, { at: new Date() });
      return "never";
    });
    await using served = await serve(host, app);
    expect((await served.session.request("GET", "/")).status).toBe(500);
    expect(broker.batches).toEqual([]);
    vi.restoreAllMocks();
  });

  test("are answered by accepted() with id, status and the Location of their status, behind prefix and mount", async () => {
    const { app } = await setUp(kind);
    const job = task("s.accepted", async (n: number) => n * 2);
    const inner = new App({ broker: app.broker, worker: false });
    inner.include(new Router({ prefix: "/v1" }).include(taskRoutes()));
    inner.post("/double", { tasks: BackgroundTasks }, ({ tasks }) => accepted(tasks.addTask(job, 21)));
    inner.post("/later", { tasks: BackgroundTasks }, ({ tasks }) =>
      accepted(tasks.addTask(job.with({ delay: "1h" }), 1)),
    );
    app.mount("/api", inner);
    await using served = await serve(host, app);
    const answer = await served.session.request("POST", "/api/double");
    expect(answer.status).toBe(202);
    const { id, status } = JSON.parse(answer.text) as { id: string; status: string };
    expect(status).toBe("queued");
    expect(answer.headers.get("location")).toBe(`/api/v1/tasks/${id}`);
    await waitUntil(async () => {
      const shown = await served.session.request("GET", `/api/v1/tasks/${id}`);
      return JSON.parse(shown.text).status === "succeeded";
    });
    const shown = await served.session.request("GET", `/api/v1/tasks/${id}`);
    expect(JSON.parse(shown.text)).toEqual({ id, name: "s.accepted", status: "succeeded", result: 42 });
    const later = await served.session.request("POST", "/api/later");
    expect(JSON.parse(later.text)).toMatchObject({ status: "scheduled" });
    expect((await served.session.request("GET", "/api/v1/tasks/nobody")).status).toBe(404);
  });

  test("with a unique key in use answer with the id of the job that has it", async () => {
    const { app } = await setUp(kind, { worker: false });
    const job = task("s.unique", async () => {});
    app.post("/", { tasks: BackgroundTasks }, ({ tasks }) => accepted(tasks.addTask(job.with({ uniqueKey: "one" }))));
    await using served = await serve(host, app);
    const first = JSON.parse((await served.session.request("POST", "/")).text) as { id: string };
    const second = JSON.parse((await served.session.request("POST", "/")).text) as { id: string; status: string };
    expect(second).toEqual({ id: first.id, status: "queued" });
  });

  test("may be flows, stored in the same batch", async () => {
    const { app, broker } = await setUp(kind);
    const add = task("s.add", async (a: number, b: number) => a + b);
    let handle: JobHandle<number> | undefined;
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      handle = tasks.addTask(chain(add.call(1, 2), add.withResult(10)));
      tasks.addTask(add, 5, 5);
      return "ok";
    });
    await using served = await serve(host, app);
    await served.session.request("GET", "/");
    expect(broker.batches.map((jobs) => jobs.length)).toEqual([3]);
    expect(await handle!.result({ timeout: "5s" })).toBe(13);
  });
});

describe("named tasks in tests", () => {
  const double = task("s.double", async (n: number) => n * 2);

  function createApp() {
    const app = new App();
    app.get("/", { tasks: BackgroundTasks }, ({ tasks }) => {
      tasks.addTask(double, 21);
      return "ok";
    });
    return app;
  }

  test("29 have ended when the call of a test client resolves", async () => {
    await using client = new TestClient(createApp());
    await client.get("/");
    expect(client.tasks.map(({ name, outcome }) => [name, outcome])).toEqual([
      ["s.double", { status: "succeeded", value: 42 }],
    ]);
  });

  test("29 wait to be run by hand with collect, and are dropped with skip", async () => {
    await using collecting = new TestClient(createApp(), { tasks: "collect" });
    await collecting.get("/");
    expect(collecting.tasks.map(({ name, args, outcome }) => [name, args, outcome])).toEqual([
      ["s.double", [21], undefined],
    ]);
    await using skipping = new TestClient(createApp(), { tasks: "skip" });
    await skipping.get("/");
    expect(skipping.tasks[0]!.outcome).toEqual({ status: "dropped", reason: "tests skip tasks" });
  });
});
