import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createAdaptorServer } from "@hono/node-server";
import type { App, BackgroundTasks, CloseReport } from "afterword";
import { backgroundTasks as forExpress } from "afterword/express";
import { backgroundTasks as forFastify } from "afterword/fastify";
import { withBackgroundTasks } from "afterword/fetch";
import { backgroundTasks as forHono } from "afterword/hono";
import { backgroundTasks as forKoa } from "afterword/koa";
import { backgroundTasks as forNode, type BackgroundTasksControl, type BackgroundTasksOptions } from "afterword/node";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { test } from "vitest";
import { openMemorySession, openSocketSession, type Session } from "../support/hosts.ts";
import { nestFrameworks } from "./nest.ts";

/** What a handler says, in words that every framework can say. A string is one body, an iterable a stream. */
export interface Said {
  readonly status?: number;
  readonly body: string | AsyncIterable<string>;
}

/** A request as every framework gives it to its handler, at `/items/:id`. */
export interface Asked {
  readonly tasks: BackgroundTasks;
  /** What the framework's handler was given: for `resolve`. */
  readonly request: object;
}

export type Handle = (asked: Asked) => Said | Promise<Said>;

export interface Opened {
  readonly session: Session;
  readonly control: BackgroundTasksControl;
  /** Shuts down as the framework's users do. */
  close(): Promise<CloseReport>;
}

/** A framework with one handler. */
export interface Framework {
  readonly name: string;
  /** What it cannot keep of 3-semantics.md, by the number of the case: why. Its page in docs/guide/frameworks says so too. */
  readonly exceptions: Readonly<Partial<Record<string, string>>>;
  open(handle: Handle, options?: BackgroundTasksOptions): Promise<Opened>;
}

/** `test` for a framework: skipped with its reason where the framework cannot keep the case. */
export function testOf({ exceptions }: Framework): (name: string, run: () => Promise<void>) => void {
  return (name, run) => {
    const exception = Object.entries(exceptions).find(([excepted]) => name.startsWith(excepted));
    const title = exception ? `${name} (${exception[1]})` : name;
    test.skipIf(exception !== undefined)(`${title}`, run);
  };
}

const statusOnly = "a response of status 500 or above is taken for a failure";
const noSocket = "there is no socket to watch";

export const frameworks: readonly Framework[] = [
  {
    name: "node",
    exceptions: {
      "11 with status 500": statusOnly,
      "23 the error": "only a status of 500 or above tells of an error",
      "30 enqueue()": "nobody surrounds the handler; enqueue needs to be told where, if several brokers are open",
    },
    open: async (handle, options) => {
      const control = forNode(options ?? {});
      const server = createServer(async (request, response) => {
        const tasks = control(request, response);
        try {
          await say(response, await handle({ tasks, request }));
        } catch (error) {
          if (response.headersSent) response.destroy(error as Error);
          else response.writeHead(statusOf(error), { "retry-after": "1" }).end("failed");
        }
      });
      return serve(server, control);
    },
  },
  {
    name: "express",
    exceptions: { "11 with status 500": statusOnly },
    open: async (handle, options) => {
      const control = forExpress(options);
      const app = express();
      app.use(control, express.json());
      // Express 5 hands what an async handler throws to its error handlers.
      // oxlint-disable-next-line oxc/no-async-endpoint-handlers
      app.all("/items/:id", async (request, response) => {
        await say(response, await handle({ tasks: request.tasks, request }));
      });
      app.use(control.errorHandler);
      app.use(((error, _request, response, next) => {
        if (response.headersSent) next(error);
        else
          response
            .status(statusOf(error))
            .set((error as { headers?: Record<string, string> }).headers ?? {})
            .send("failed");
      }) satisfies express.ErrorRequestHandler);
      return serve(createServer(app), control);
    },
  },
  {
    name: "fastify",
    exceptions: { "32 a broker that is away": "a plugin that is not ready keeps the server from starting" },
    open: async (handle, options = {}) => {
      const app = Fastify();
      await app.register(forFastify, options);
      app.all("/items/:id", async (request, reply) => {
        const { status = 200, body } = await handle({ tasks: request.tasks, request });
        return reply.code(status).send(typeof body === "string" ? body : Readable.from(body, { objectMode: false }));
      });
      await app.listen({ port: 0, host: "127.0.0.1" });
      const control = app.backgroundTasks;
      const close = async (): Promise<CloseReport> => {
        await app.close();
        return control.close();
      };
      const { port } = app.server.address() as AddressInfo;
      return { session: openSocketSession({ port, close }), control, close };
    },
  },
  {
    name: "koa",
    exceptions: {},
    open: async (handle, options) => {
      const control = forKoa(options);
      const app = new Koa();
      app.silent = true;
      app.use(control);
      app.use(async (context) => {
        (context as { params?: unknown }).params = { id: context.path.split("/").at(-1) };
        const { status = 200, body } = await handle({ tasks: context.tasks, request: context });
        context.body = typeof body === "string" ? body : Readable.from(body, { objectMode: false });
        context.status = status;
      });
      return serve(createServer(app.callback()), control);
    },
  },
  {
    name: "hono on Node",
    exceptions: {},
    open: async (handle, options) => {
      const { app, control } = createHono(handle, options);
      return serve(createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server, control);
    },
  },
  {
    name: "hono without a socket",
    exceptions: { "28 over keep-alive connections": noSocket, "7 first added by the stream": noSocket },
    open: async (handle, options) => {
      const { app, control } = createHono(handle, options);
      return inMemory(app.fetch as App["fetch"], control);
    },
  },
  {
    name: "fetch",
    exceptions: { "28 over keep-alive connections": noSocket, "7 first added by the stream": noSocket },
    open: async (handle, options) => {
      const fetch = withBackgroundTasks(
        async (request, tasks) => toResponse(await handle({ tasks, request })),
        options,
      );
      // What hosts do with a handler that throws.
      const host = async (request: Request, ...rest: unknown[]): Promise<Response> => {
        try {
          return await (fetch as (request: Request, ...rest: unknown[]) => Promise<Response>)(request, ...rest);
        } catch (error) {
          return new Response("failed", { status: statusOf(error), headers: { "retry-after": "1" } });
        }
      };
      return inMemory(host as App["fetch"], fetch);
    },
  },
  ...nestFrameworks,
];

function createHono(handle: Handle, options: BackgroundTasksOptions | undefined) {
  const control = forHono(options);
  const app = new Hono();
  app.use(control);
  app.all("/items/:id", async (c) => toResponse(await handle({ tasks: c.var.tasks, request: c })));
  return { app, control };
}

export async function serve(server: Server, control: BackgroundTasksControl): Promise<Opened> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  let closing: Promise<CloseReport> | undefined;
  const close = (): Promise<CloseReport> =>
    (closing ??= (async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const idle = setInterval(() => server.closeIdleConnections(), 10);
      await closed;
      clearInterval(idle);
      return control.close();
    })());
  return { session: openSocketSession({ port: (server.address() as AddressInfo).port, close }), control, close };
}

function inMemory(fetch: App["fetch"], control: BackgroundTasksControl): Opened {
  const close = (): Promise<CloseReport> => control.close();
  return { session: openMemorySession(fetch, close), control, close };
}

/** Through plain node:http, as Express's users also may. */
export async function say(response: ServerResponse, { status = 200, body }: Said): Promise<void> {
  response.statusCode = status;
  if (typeof body === "string") return void response.end(body);
  await pipeline(Readable.from(body, { objectMode: false }), response).catch(() => {});
}

function toResponse({ status = 200, body }: Said): Response {
  if (typeof body === "string") return new Response(status === 204 ? null : body, { status });
  return new Response(Readable.toWeb(Readable.from(body, { objectMode: false })) as ReadableStream, { status });
}

function statusOf(error: unknown): number {
  return (error as { status?: number }).status ?? 500;
}
