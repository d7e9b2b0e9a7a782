// The 202 promise where it is easily broken: clients that leave, brokers that are away, responses that go past their framework.
import { createServer } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { type BackgroundTasks, dependency, memory, resolve, sqlite, StoreError, task, type Broker } from "afterword";
import { backgroundTasks as forFastify } from "afterword/fastify";
import { backgroundTasks as forHono } from "afterword/hono";
import { backgroundTasks as forKoa } from "afterword/koa";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { join } from "node:path";
import type { Server, ServerResponse } from "node:http";
import { describe, expect, test, vi } from "vitest";
import { rigged } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { openSocketSession, type Session } from "../support/hosts.ts";
import { Recorder } from "../support/recorder.ts";
import { createTempDirectory } from "../support/temp-directory.ts";
import { keepTidy } from "../support/tidy.ts";
import { turns, waitUntil } from "../support/wait-until.ts";
import { frameworks, serve, testOf } from "./frameworks.ts";

keepTidy();

const quiet = { onError: () => {} };

/** A broker that cannot be opened until it is told that it can. */
function unreachable(broker: Broker): Broker & { isThere: boolean } {
  const state = { isThere: false };
  return new Proxy(broker, {
    get(target, key) {
      if (key === "isThere") return state.isThere;
      if (key === "open" && !state.isThere)
        return () => Promise.reject(new StoreError("not_stored", "Nobody answers there."));
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: (_, key, value) => Reflect.set(state, key, value),
  }) as Broker & { isThere: boolean };
}

describe.each(frameworks)("the promise in $name", (framework) => {
  const test = testOf(framework);

  test("15 a client that goes while its jobs are stored changes nothing: they are stored once, and functions run after that", async () => {
    const recorder = new Recorder();
    const note = task("ap15.note", async () => {});
    const broker = rigged(memory());
    const gate = createGate();
    broker.rig = gate.opened;
    const transaction = dependency({ scope: "function" }, {}, async function* transaction() {
      yield;
      recorder.add("committed");
    });
    const { session } = await framework.open(
      async ({ tasks, request }) => {
        await resolve(request, transaction);
        tasks.addTask(note);
        tasks.addTask(() => recorder.add("function"));
        return { body: "never read" };
      },
      { broker, worker: false },
    );
    const client = await session.impatient();
    client.send("GET", "/items/1");
    await waitUntil(() => broker.batches.length === 1);
    await client.hangUp();
    await turns();
    expect(recorder.events).toEqual(["committed"]);
    gate.open();
    await recorder.when("function");
    await session.finish();
    expect(broker.batches).toHaveLength(1);
    expect(recorder.events).toEqual(["committed", "function"]);
  });

  test("30 functions wait until the jobs are stored and the response has left", async () => {
    const recorder = new Recorder();
    const note = task("ap30.note", async () => {});
    const broker = rigged(memory());
    const gate = createGate();
    broker.rig = gate.opened;
    const { session } = await framework.open(
      ({ tasks }) => {
        tasks.addTask(() => recorder.add("function"));
        tasks.addTask(note);
        return { body: "stored" };
      },
      { broker, worker: false },
    );
    const answer = session.request("GET", "/items/1");
    await waitUntil(() => broker.batches.length === 1);
    await turns();
    expect(recorder.events).toEqual([]);
    gate.open();
    expect((await answer).text).toBe("stored");
    await recorder.when("function");
  });

  test("30 enqueue() in a handler stores where its app does, whatever other apps are open", async () => {
    const note = task("ap30.enqueue", async () => {});
    const other = await framework.open(() => ({ body: "" }), { broker: memory(), worker: false });
    await other.session.request("GET", "/items/1");
    const broker = rigged(memory());
    const { session } = await framework.open(
      async () => {
        await turns(1);
        await note.enqueue();
        return { body: "stored" };
      },
      { broker, worker: false, background: quiet },
    );
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    const answer = await session.request("GET", "/items/1");
    told.mockRestore();
    expect(answer).toMatchObject({ status: 200, text: "stored" });
    expect(broker.batches).toHaveLength(1);
  });

  test("32 a broker that is away concerns only requests that need it, and is opened when it is back", async () => {
    const recorder = new Recorder();
    const note = task("ap32.note", async () => {});
    const broker = unreachable(memory());
    const { session } = await framework.open(
      ({ tasks }) => {
        if (recorder.has("needed")) tasks.addTask(note);
        tasks.addTask(() => recorder.add("function"));
        return { body: "answer" };
      },
      { broker, worker: false, background: quiet },
    );
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await session.request("GET", "/items/1")).status).toBe(200);
    await recorder.when("function");
    recorder.add("needed");
    const refused = await session.request("GET", "/items/1");
    told.mockRestore();
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("1");
    broker.isThere = true;
    expect((await session.request("GET", "/items/1")).status).toBe(200);
  });

  test("33 jobs are on disk when the answer is here", async () => {
    const note = task("ap33.note", async () => {});
    const file = join(await createTempDirectory(), "tasks.db");
    const { session } = await framework.open(
      ({ tasks }) => {
        tasks.addTask(note);
        return { status: 202, body: "" };
      },
      { broker: sqlite(file), worker: false },
    );
    expect((await session.request("POST", "/items/1")).status).toBe(202);
    const another = sqlite(file);
    await another.open();
    const counts = await another.counts();
    await another.close();
    expect(counts.reduce((sum, { queued }) => sum + queued, 0)).toBe(1);
  });

  test("36 functions keep their order among themselves, beside jobs and flows", async () => {
    const recorder = new Recorder();
    const note = task("ap36.note", async () => {});
    const broker = rigged(memory());
    const { session } = await framework.open(
      ({ tasks }) => {
        for (const name of ["first", "second", "third"]) {
          tasks.addTask(() => recorder.add(name));
          tasks.addTask(note);
        }
        return { body: "" };
      },
      { broker, worker: false },
    );
    await session.request("GET", "/items/1");
    await recorder.when("third");
    expect(recorder.events).toEqual(["first", "second", "third"]);
    expect(broker.batches.map((batch) => batch.length)).toEqual([3]);
  });
});

interface PastIts {
  readonly name: string;
  open(
    options: { broker: Broker; worker: false },
    answer: (tasks: BackgroundTasks, response: ServerResponse) => void,
  ): Promise<Session>;
}

const past: readonly PastIts[] = [
  {
    name: "fastify, with reply.hijack()",
    async open(options, answer) {
      const app = Fastify();
      await app.register(forFastify, options);
      app.get("/", (request, reply) => {
        reply.hijack();
        answer(request.tasks, reply.raw);
      });
      await app.listen({ port: 0, host: "127.0.0.1" });
      return openSocketSession({ port: (app.server.address() as { port: number }).port, close: () => app.close() });
    },
  },
  {
    name: "koa, with ctx.respond = false",
    async open(options, answer) {
      const control = forKoa(options);
      const app = new Koa();
      app.use(control);
      app.use((context) => {
        context.respond = false;
        answer(context.tasks, context.res);
      });
      return (await serve(createServer(app.callback()), control)).session;
    },
  },
  {
    name: "hono on Node, through c.env.outgoing",
    async open(options, answer) {
      const control = forHono(options);
      const app = new Hono<{ Bindings: { outgoing: ServerResponse } }>();
      app.use(control);
      app.get("/", (c) => {
        answer(c.var.tasks, c.env.outgoing);
        return new Response(null, { headers: { "x-hono-already-sent": "true" } });
      });
      return (await serve(createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server, control))
        .session;
    },
  },
];

describe.each(past)("a response that goes past $name", ({ open }) => {
  test("30 is held back until its jobs are stored", async () => {
    const note = task("past30.note", async () => {});
    const broker = rigged(memory());
    const gate = createGate();
    broker.rig = gate.opened;
    const session = await open({ broker, worker: false }, (tasks, response) => {
      tasks.addTask(note);
      response.writeHead(202, { "content-type": "text/plain" });
      response.write("by ");
      response.end("hand");
    });
    let answered = false;
    const answer = session.request("GET", "/").then((response) => {
      answered = true;
      return response;
    });
    await waitUntil(() => broker.batches.length === 1);
    await turns();
    expect(answered).toBe(false);
    gate.open();
    expect(await answer).toMatchObject({ status: 202, text: "by hand" });
    expect(broker.batches).toHaveLength(1);
  });
});
