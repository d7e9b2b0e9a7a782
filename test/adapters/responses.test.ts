// What a response carries, what an error handler answers, and what only one framework has.
import { createServer, connect, type ClientHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import {
  accepted,
  BackgroundTask,
  type BackgroundTasks,
  currentTask,
  dependency,
  HTTPException,
  json,
  memory,
  resolve,
  sendFile,
  task,
  type App,
} from "afterword";
import { backgroundTasks as forExpress } from "afterword/express";
import { backgroundTasks as forFastify } from "afterword/fastify";
import { withBackgroundTasks } from "afterword/fetch";
import { backgroundTasks as forHono } from "afterword/hono";
import { backgroundTasks as forNode, type BackgroundTasksOptions } from "afterword/node";
import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import Fastify, { type FastifyInstance } from "fastify";
import { Hono, type Context } from "hono";
import { createServer as createHttpServer, type Server } from "node:http";
import { describe, expect, test, vi } from "vitest";
import { rigged } from "../support/brokers.ts";
import { createGate } from "../support/gate.ts";
import { openMemorySession, openSocketSession } from "../support/hosts.ts";
import { Recorder } from "../support/recorder.ts";
import { keepTidy } from "../support/tidy.ts";
import { frameworks, serve, testOf, type Opened } from "./frameworks.ts";

keepTidy();

const quiet = { onError: () => {} };

describe.each(frameworks)("responses in $name", (framework) => {
  const test = testOf(framework);

  test("11 tasks run after the answer to HEAD", async () => {
    const recorder = new Recorder();
    const { session } = await framework.open(({ tasks }) => {
      tasks.addTask(() => recorder.add("ran"));
      return { body: "for GET only" };
    });
    expect((await session.request("HEAD", "/items/1")).status).toBe(200);
    await recorder.when("ran");
  });

  test("15 the signal of a client that has read its answer is not aborted", async () => {
    const recorder = new Recorder();
    const { session } = await framework.open(({ tasks }) => {
      tasks.addTask(() => recorder.add(`client gone: ${currentTask().request?.signal.aborted}`));
      return { body: "x".repeat(1_000_000) };
    });
    expect((await session.request("GET", "/items/1")).text).toHaveLength(1_000_000);
    await recorder.when("client gone: false");
  });

  test("23 a function-scope exit that throws stores nothing, and is answered as an error", async () => {
    const recorder = new Recorder();
    const note = task("ar23.note", async () => {});
    const broker = rigged(memory());
    const commit = dependency({ scope: "function" }, {}, function* commit() {
      yield;
      throw new Error("the commit failed");
    });
    const { session } = await framework.open(
      async ({ tasks, request }) => {
        await resolve(request, commit);
        tasks.addTask(note);
        for (const when of ["success", "always", "error"] as const)
          tasks.with({ when }).addTask(() => recorder.add(when));
        return { body: "never said" };
      },
      { broker, worker: false, background: quiet },
    );
    const told = vi.spyOn(console, "error").mockImplementation(() => {});
    const answer = await session.request("GET", "/items/1");
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("never said");
    await recorder.when("error");
    told.mockRestore();
    expect(recorder.events).toEqual(["always", "error"]);
    expect(broker.batches).toEqual([]);
  });

  test("23 the error of a handler is thrown into the open dependencies before always tasks run", async () => {
    const recorder = new Recorder();
    const session1 = dependency(async function* session1() {
      try {
        yield;
      } catch (error) {
        await Promise.resolve();
        recorder.add(`saw ${(error as Error).message}`);
        throw error;
      }
    });
    const { session } = await framework.open(async ({ tasks, request }) => {
      await resolve(request, session1);
      tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
      throw new HTTPException(409, "taken");
    });
    expect((await session.request("GET", "/items/1")).status).toBe(409);
    await recorder.when("always");
    expect(recorder.events).toEqual(["saw taken", "always"]);
  });
});

type Answering = (asked: { tasks: BackgroundTasks; request: object }) => Response | Promise<Response>;

interface ResponseHost {
  readonly name: string;
  open(handle: Answering, options?: BackgroundTasksOptions): Promise<Opened>;
}

/** The hosts whose handlers return a `Response`. */
const responseHosts: readonly ResponseHost[] = [
  {
    name: "hono on Node",
    async open(handle, options) {
      const { app, control } = createHono(handle, options);
      return serve(createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server, control);
    },
  },
  {
    name: "hono without a socket",
    async open(handle, options) {
      const { app, control } = createHono(handle, options);
      const close = () => control.close();
      return { session: openMemorySession(app.fetch as App["fetch"], close), control, close };
    },
  },
  {
    name: "fetch",
    async open(handle, options) {
      const fetch = withBackgroundTasks((request, tasks) => handle({ tasks, request }), options);
      const close = () => fetch.close();
      return { session: openMemorySession(fetch as unknown as App["fetch"], close), control: fetch, close };
    },
  },
];

function createHono(handle: Answering, options: BackgroundTasksOptions | undefined) {
  const control = forHono(options);
  const app = new Hono();
  app.use(control);
  app.onError(
    (_, c: Context) => json({ handled: true }, { status: 409, background: new BackgroundTask(onError) }) ?? c,
  );
  app.all("*", async (c) => handle({ tasks: c.var.tasks, request: c }));
  return { app, control };
}

let onError = (): void => {};

describe.each(responseHosts)("a returned Response in $name", ({ open }) => {
  test("13 may carry a task of its own, which runs after those of the request", async () => {
    const recorder = new Recorder();
    const { session } = await open(({ tasks }) => {
      tasks.addTask(() => recorder.add("of the request"));
      return json({ ok: true }, { background: new BackgroundTask(() => recorder.add("its own")) });
    });
    expect((await session.request("GET", "/")).text).toBe('{"ok":true}');
    await recorder.when("its own");
    expect(recorder.events).toEqual(["of the request", "its own"]);
  });

  test("13 runs what it carries when nothing else was added", async () => {
    const recorder = new Recorder();
    const { session } = await open(() =>
      json({ ok: true }, { background: new BackgroundTask(() => recorder.add("its own")) }),
    );
    await session.request("GET", "/");
    await recorder.when("its own");
  });

  test("30 accepted() tells of the stored job", async () => {
    const note = task("ar30.note", async () => {});
    const broker = rigged(memory());
    const { session } = await open(({ tasks }) => accepted(tasks.addTask(note)), { broker, worker: false });
    const answer = await session.request("POST", "/");
    expect(answer.status).toBe(202);
    expect(JSON.parse(answer.text)).toEqual({ id: broker.batches[0]![0]!.id, status: "queued" });
  });

  test("7 may be a file, after whose last chunk tasks run", async () => {
    const recorder = new Recorder();
    const { session } = await open(({ tasks }) => {
      tasks.addTask(() => recorder.add("ran"));
      return sendFile(import.meta.filename);
    });
    const answer = await session.request("GET", "/");
    expect(answer.text).toContain("after whose last chunk tasks run");
    await recorder.when("ran");
  });
});

describe.each(responseHosts.filter(({ name }) => name !== "fetch"))("an error handler of $name", ({ open }) => {
  test("14 may answer with a response that carries a task", async () => {
    const recorder = new Recorder();
    onError = () => recorder.add("of the error's response");
    const { session } = await open(({ tasks }) => {
      tasks.addTask(() => recorder.add("dropped"));
      throw new Error("broken");
    });
    expect((await session.request("GET", "/")).status).toBe(409);
    await recorder.when("of the error's response");
    expect(recorder.events).toEqual(["of the error's response"]);
  });
});

test("fetch: a response whose body was read already fails, and holds up nobody", async () => {
  const recorder = new Recorder();
  const fetch = withBackgroundTasks(async (_request, tasks) => {
    tasks.with({ when: "always" }).addTask(() => recorder.add("ran"));
    const response = new Response("read");
    await response.text();
    return response;
  });
  const session = openMemorySession(fetch as unknown as App["fetch"], () => fetch.close());
  await expect(session.request("GET", "/")).rejects.toMatchObject({ code: "body_used" });
  await session.finish();
  expect(recorder.events).toEqual(["ran"]);
});

describe("12 an error that Fastify's user answers by himself still drops tasks", () => {
  const open = async (arrange: (app: FastifyInstance, route: (app: FastifyInstance) => void) => void) => {
    const recorder = new Recorder();
    const app = Fastify();
    await app.register(forFastify);
    app.backgroundTasks.background.on("dropped", () => recorder.add("dropped"));
    arrange(app, (where) => {
      // Fastify's, not Express's.
      // oxlint-disable-next-line oxc/no-async-endpoint-handlers
      where.get("/", async (request) => {
        request.tasks.addTask(() => recorder.add("success"));
        request.tasks.with({ when: "error" }).addTask(() => recorder.add("error"));
        throw new HTTPException(402);
      });
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = app.server.address() as AddressInfo;
    const session = openSocketSession({ port, close: () => app.close() });
    const answer = await session.request("GET", "/");
    await recorder.when("error");
    expect(recorder.events).toEqual(["dropped", "error"]);
    return `${answer.status} ${answer.text}`;
  };
  const handler = async (): Promise<string> => "never mind";

  test("by setErrorHandler before the route", async () => {
    const answer = await open((app, route) => {
      app.setErrorHandler(async (_error, _request, reply) => reply.code(200).send(await handler()));
      route(app);
    });
    expect(answer).toBe("200 never mind");
  });

  test("by setErrorHandler after the route", async () => {
    const answer = await open((app, route) => {
      route(app);
      app.setErrorHandler(async (_error, _request, reply) => reply.code(200).send(await handler()));
    });
    expect(answer).toBe("200 never mind");
  });

  test("by setErrorHandler of the route's plugin", async () => {
    const answer = await open((app, route) => {
      app.setErrorHandler(async (_error, _request, reply) => reply.code(500).send("the outer one"));
      app.register(async (inner) => {
        inner.setErrorHandler(async (_error, _request, reply) => reply.code(200).send(await handler()));
        route(inner);
      });
    });
    expect(answer).toBe("200 never mind");
  });

  test("by nobody: Fastify's own answer", async () => {
    expect(await open((app, route) => route(app))).toMatch(/^402 .*Payment Required/);
  });
});

describe.each(frameworks.filter(({ name }) => name === "node" || name === "express"))(
  "23 a status of 500 in $name, where nobody tells of an error",
  (framework) => {
    test("rolls back, stores nothing, and is answered with", async () => {
      const recorder = new Recorder();
      const note = task(`ar23.status.${framework.name}`, async () => {});
      const broker = rigged(memory());
      const transaction = dependency({ scope: "function" }, {}, function* transaction() {
        try {
          yield;
          recorder.add("committed");
        } catch (error) {
          recorder.add(`rolled back, because ${(error as Error).message}`);
          throw error;
        }
      });
      const { session } = await framework.open(
        async ({ tasks, request }) => {
          await resolve(request, transaction);
          tasks.addTask(note);
          tasks.with({ when: "always" }).addTask(() => recorder.add("always"));
          return { status: 500, body: "sorry" };
        },
        { broker, worker: false },
      );
      expect(await session.request("GET", "/items/1")).toMatchObject({ status: 500, text: "sorry" });
      await recorder.when("always");
      expect(recorder.events).toEqual(["rolled back, because its request was answered with 500", "always"]);
      expect(broker.batches).toEqual([]);
    });
  },
);

test("12 an error that Express's user answers below 500 still drops tasks, with errorHandler", async () => {
  const recorder = new Recorder();
  const control = forExpress();
  control.background.on("dropped", () => recorder.add("dropped"));
  const app = express();
  app.use(control);
  app.get("/", (request) => {
    request.tasks.addTask(() => recorder.add("success"));
    request.tasks.with({ when: "error" }).addTask(() => recorder.add("error"));
    throw new Error("broken");
  });
  app.use(control.errorHandler);
  app.use(((_error, _request, response, _next) => {
    response.status(200).send("never mind");
  }) satisfies express.ErrorRequestHandler);
  const { session } = await serve(createHttpServer(app), control);
  expect((await session.request("GET", "/")).text).toBe("never mind");
  await recorder.when("error");
  expect(recorder.events).toEqual(["dropped", "error"]);
});

describe("node:http2", () => {
  const open = async (answer: (tasks: BackgroundTasks, end: (text: string) => void) => void, options = {}) => {
    const control = forNode({ ...options });
    const server = createServer((request, response) => {
      const like = [request, response] as unknown as Parameters<typeof control>;
      answer(control(...like), (text) => response.end(text));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return {
      client,
      async [Symbol.asyncDispose]() {
        client.destroy();
        await new Promise<void>((resolve) => server.close(() => resolve()));
        await control.close();
      },
    };
  };
  const get = async (client: ClientHttp2Session): Promise<string> => {
    const stream = client.request({ ":path": "/" });
    let text = "";
    for await (const chunk of stream.setEncoding("utf8")) text += chunk;
    return text;
  };

  test("1 and 30 tasks run after the response, which waits for jobs", async () => {
    const recorder = new Recorder();
    const note = task("h2.note", async () => {});
    const broker = rigged(memory());
    await using opened = await open(
      (tasks, end) => {
        tasks.addTask(note);
        tasks.addTask(() => recorder.add("ran"));
        end("stored");
      },
      { broker, worker: false },
    );
    expect(await get(opened.client)).toBe("stored");
    await recorder.when("ran");
    expect(broker.batches).toHaveLength(1);
  });

  test("15 tasks run when the client goes", async () => {
    const recorder = new Recorder();
    const gate = createGate();
    await using opened = await open((tasks, end) => {
      tasks.addTask(() => recorder.add("ran"));
      recorder.add("handler");
      void gate.opened.then(() => end("too late"));
    });
    opened.client.request({ ":path": "/" }).on("error", () => {});
    await recorder.when("handler");
    opened.client.destroy();
    await recorder.when("ran");
    gate.open();
  });
});
