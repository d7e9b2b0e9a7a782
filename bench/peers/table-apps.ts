// The apps of routes.ts: the same table of routes in three frameworks, defined by `define` and served by `listen`.
import type { ServerResponse } from "node:http";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { App, BackgroundTasks, path, Router } from "afterword";
import { fastify } from "fastify";
import { Hono } from "hono";
import * as z from "zod";
import type { TablePart } from "../lib/route-table.ts";
import { counts, emailPattern, runAfter, writeLog } from "./work.ts";

export interface TableApp {
  /** Defines all routes. */
  define(table: readonly TablePart[]): void;
  listen(port: number): Promise<number>;
  /** Builds the OpenAPI document, where there is one. */
  describe?(): unknown;
}

export const tableApps: Readonly<Record<string, () => TableApp>> = { afterword, hono, fastify: fastifyApp };

const sent = { message: "Message sent" };
const schemas = { id: z.string().max(100), email: z.email() };

function afterword(): TableApp {
  const app = new App();
  app.get("/counts", () => counts);
  return {
    define(table) {
      for (const { prefix, routes } of table) {
        const router = new Router({ prefix });
        for (const route of routes) addRoute(router, route);
        app.include(router);
      }
    },
    async listen(port) {
      return (await app.listen({ port })).port;
    },
    describe: () => app.openapi(),
  };
}

function addRoute(router: Router, { method, path: at, isAsked }: TablePart["routes"][number]): void {
  if (isAsked)
    router.on(method, at, { email: path(schemas.email), tasks: BackgroundTasks }, ({ email, tasks }) => {
      counts.requests++;
      tasks.addTask(writeLog, `message to ${email}\n`);
      return sent;
    });
  else if (at.includes("/:itemId"))
    router.on(method, at, { id: path(schemas.id), itemId: path(schemas.id) }, ({ id, itemId }) => ({ id, itemId }));
  else if (at.includes("/:id")) router.on(method, at, { id: path(schemas.id) }, ({ id }) => ({ id }));
  else router.on(method, at || "/", () => ({ ok: true }));
}

function hono(): TableApp {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.get("/counts", (c) => c.json(counts));
  return {
    define(table) {
      for (const { prefix, routes } of table) {
        const router = new Hono<{ Bindings: HttpBindings }>();
        for (const { method, path: at, isAsked } of routes)
          if (isAsked)
            router.on(method, at, (c) => {
              const email = c.req.param("email")!;
              if (!emailPattern.test(email)) return c.json({ detail: "Not an e-mail address" }, 422);
              counts.requests++;
              runAfter(c.env.outgoing as ServerResponse, [() => writeLog(`message to ${email}\n`)]);
              return c.json(sent);
            });
          else router.on(method, at || "/", (c) => c.json(c.req.param()));
        app.route(prefix, router);
      }
    },
    listen: (port) =>
      new Promise((resolve) => {
        const server = createAdaptorServer({ fetch: app.fetch });
        server.listen(port, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
      }),
  };
}

function fastifyApp(): TableApp {
  const app = fastify();
  const text = { type: "string", maxLength: 100 };
  const email = { type: "object", properties: { email: { type: "string", pattern: emailPattern.source } } };
  const one = { type: "object", properties: { id: text } };
  const two = { type: "object", properties: { id: text, itemId: text } };
  const response = { 200: { type: "object", properties: { message: { type: "string" } }, required: ["message"] } };
  app.get("/counts", (_, reply) => {
    reply.send(counts);
  });
  return {
    define(table) {
      for (const { prefix, routes } of table)
        app.register(
          async (router) => {
            for (const { method, path: url, isAsked } of routes)
              if (isAsked)
                router.route<{ Params: { email: string } }>({
                  method,
                  url,
                  schema: { params: email, response },
                  handler({ params: { email } }, reply) {
                    counts.requests++;
                    runAfter(reply.raw, [() => writeLog(`message to ${email}\n`)]);
                    reply.send(sent);
                  },
                });
              else
                router.route({
                  method,
                  url,
                  ...(url.includes("/:id") && { schema: { params: url.includes("/:itemId") ? two : one } }),
                  handler({ params }, reply) {
                    reply.send(params);
                  },
                });
          },
          { prefix },
        );
    },
    async listen(port) {
      await app.listen({ port, host: "127.0.0.1" });
      return (app.server.address() as { port: number }).port;
    },
  };
}
