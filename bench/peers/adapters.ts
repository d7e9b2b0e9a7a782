// One endpoint in a framework, without the adapter (empty middleware stands in its place), with one that it does not use, with one
// that it uses, and as one does it by hand.
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

type Way = "bare" | "by hand" | "idle" | "used";

const [framework, way, port] = [process.argv[2], process.argv[3] as Way, Number(process.argv[4])];
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

const servers: Readonly<Record<string, () => Server | Promise<void>>> = {
  node() {
    const control = isInstalled ? forNode() : undefined;
    return createServer((request, response) => {
      if (request.method === "GET") return void response.end(JSON.stringify(counts));
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
      get(path: string, handler: (request: Request, response: Response) => void): this;
      post(path: string, handler: (request: Request, response: Response) => void): this;
    }
    const express = createRequire(import.meta.url)("express") as () => ExpressApp;
    const app = express().disable("x-powered-by").disable("etag");
    app.use(isInstalled ? forExpress() : (_request: Request, _response: Response, next: () => void) => next());
    app.get("/counts", (_, response) => response.json(counts));
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
    app.get("/counts", async () => counts);
    app.post("/", (request, reply) => {
      handled(
        () => request.tasks,
        () => reply.raw,
      );
      reply.send(answer);
    });
    await app.listen({ port, host: "127.0.0.1" });
  },
  koa() {
    const app = new Koa();
    app.use(isInstalled ? forKoa() : async (_context: unknown, next: () => Promise<unknown>) => void (await next()));
    app.use((context) => {
      if (context.method === "GET") return void (context.body = counts);
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
    app.get("/counts", (c) => c.json(counts));
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

async function nest(hasInterceptor: boolean): Promise<void> {
  const { serveNest } = await import("./adapters-nest.ts");
  await serveNest({ port, isInstalled, usesTasks: way === "used", hasInterceptor, counts, answer, handled });
}

const server = await servers[framework!]!();
server?.listen(port, "127.0.0.1");
process.once("SIGINT", () => process.exit());
process.once("exit", () => lastMessage);
