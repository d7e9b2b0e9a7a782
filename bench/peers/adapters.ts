// One endpoint in a framework, without the adapter (empty middleware stands in its place), with one that it does not use, with one
// that it uses, and as one does it by hand. Told a number of requests, it serves them and tells what they cost.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { createAdaptorServer } from "@hono/node-server";
import { backgroundTasks as forExpress } from "afterword/express";
import { backgroundTasks as forFastify } from "afterword/fastify";
import { backgroundTasks as forHono } from "afterword/hono";
import { backgroundTasks as forKoa } from "afterword/koa";
import { backgroundTasks as forNode } from "afterword/node";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { loadInMemory } from "../lib/memory-load.ts";
import { BenchError } from "../lib/question.ts";

type Way = "bare" | "by hand" | "idle" | "used";

const [framework, way, connections] = [process.argv[2], process.argv[3] as Way, Number(process.argv[4])];
const isInstalled = way === "idle" || way === "used";
const counts = { requests: 0, tasks: 0 };
const answer = { message: "Message sent" };

let lastMessage = "";

function writeLog(message: string): void {
  counts.tasks++;
  lastMessage = message;
}

interface List {
  addTask(fn: (message: string) => void, message: string): unknown;
}

/** What an endpoint does beside its answer. */
function handled(tasks: () => List, response: () => ServerResponse): void {
  counts.requests++;
  if (way === "used") tasks().addTask(writeLog, "message");
  else if (way === "by hand") response().once("close", () => writeLog("message"));
}

const servers: Readonly<Record<string, () => Server | Promise<Server>>> = {
  node() {
    const control = isInstalled ? forNode() : undefined;
    return createServer((request, response) => {
      handled(
        () => control!(request, response),
        () => response,
      );
      const body = JSON.stringify(answer);
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
      response.end(body);
    });
  },
  express() {
    interface Request extends IncomingMessage {
      readonly tasks: List;
    }
    interface Response extends ServerResponse {
      json(data: unknown): void;
    }
    interface ExpressApp {
      (request: IncomingMessage, response: ServerResponse): void;
      disable(setting: string): this;
      use(middleware: unknown): this;
      post(path: string, handler: (request: Request, response: Response) => void): this;
    }
    const express = createRequire(import.meta.url)("express") as () => ExpressApp;
    const app = express().disable("x-powered-by").disable("etag");
    app.use(isInstalled ? forExpress() : (_request: Request, _response: Response, next: () => void) => next());
    app.post("/", (request, response) => {
      handled(
        () => request.tasks,
        () => response,
      );
      response.json(answer);
    });
    return createServer(app);
  },
  async fastify() {
    const app = Fastify();
    if (isInstalled) await app.register(forFastify);
    else app.addHook("onRequest", (_request, _reply, done) => done());
    app.post("/", (request, reply) => {
      handled(
        () => request.tasks,
        () => reply.raw,
      );
      reply.send(answer);
    });
    await app.ready();
    return app.server;
  },
  koa() {
    const app = new Koa();
    app.use(isInstalled ? forKoa() : async (_context: unknown, next: () => Promise<unknown>) => void (await next()));
    app.use((context) => {
      handled(
        () => context.tasks,
        () => context.res,
      );
      context.body = answer;
    });
    return createServer(app.callback());
  },
  nest: () => nest(false),
  "nest-interceptor": () => nest(true),
  hono() {
    const app = new Hono<{ Bindings: { outgoing: ServerResponse } }>();
    app.use(isInstalled ? forHono() : async (_context: unknown, next: () => Promise<void>) => next());
    app.post("/", (c) => {
      handled(
        () => c.var.tasks,
        () => c.env.outgoing,
      );
      return c.json(answer);
    });
    return createAdaptorServer({ fetch: app.fetch }) as Server;
  },
};

async function nest(hasInterceptor: boolean): Promise<Server> {
  const { createNest } = await import("./adapters-nest.ts");
  return createNest({ isInstalled, usesTasks: way === "used", hasInterceptor, answer, handled });
}

/** @returns microseconds of CPU for each request, when its tasks have run */
async function measure(server: Server, requests: number): Promise<number> {
  const expected = { requests: counts.requests + requests, tasks: counts.tasks };
  if (way === "used" || way === "by hand") expected.tasks += requests;
  const before = process.cpuUsage();
  await loadInMemory(server, requests, connections, JSON.stringify(answer));
  const { user, system } = process.cpuUsage(before);
  if (lastMessage === "" && expected.tasks > 0) throw new BenchError("No task has run.");
  if (counts.requests !== expected.requests || counts.tasks !== expected.tasks)
    throw new BenchError(`Expected are ${JSON.stringify(expected)}, but counted was ${JSON.stringify(counts)}.`);
  return (user + system) / requests;
}

const server = await servers[framework!]!();
process.on("message", (requests: number) => void measure(server, requests).then((costUs) => process.send!(costUs)));
process.send!("ready");
