import type { IncomingMessage, ServerResponse } from "node:http";
import type { AbstractHttpAdapter } from "@nestjs/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { resolverKey } from "../../dependencies/resolve.ts";
import { DeclarationError } from "../../internal/afterword-error.ts";
import type { AdapterHost } from "../core/adapter-host.ts";
import { NestExchange, type Requested } from "./nest-exchange.ts";

const attached = new WeakSet<object>();

/**
 * Gives each request of the engine an exchange, before Nest's own middleware, and lets the engine's closing wait for the tasks.
 *
 * @throws {DeclarationError} for an engine that is not known, or one that has it already
 */
export function attach(adapter: AbstractHttpAdapter, host: AdapterHost): void {
  if (attached.has(adapter))
    throw new DeclarationError(
      "BackgroundTasksModule.forRoot() expects to be imported once, but it was imported twice.",
    );
  attached.add(adapter);
  const type = adapter.getType();
  if (type === "express") attachToExpress(adapter, host);
  else if (type === "fastify") attachToFastify(adapter.getInstance() as FastifyInstance, host);
  else
    throw new DeclarationError(
      `BackgroundTasksModule expects @nestjs/platform-express or @nestjs/platform-fastify, but got the adapter ${JSON.stringify(type)}.`,
    );
  closeWith(adapter, host);
}

function attachToExpress(adapter: AbstractHttpAdapter, host: AdapterHost): void {
  adapter.use((request: Requested & IncomingMessage, response: ServerResponse, next: () => void) => {
    request[resolverKey] = new NestExchange(host, request, response, request);
    host.run(next);
  });
}

function attachToFastify(server: FastifyInstance, host: AdapterHost): void {
  server.decorateRequest(resolverKey as never, undefined as never);
  server.addHook("onRequest", (request: Requested & FastifyRequest, reply, done) => {
    request[resolverKey] = new NestExchange(host, request.raw, reply.raw, request);
    host.run(done);
  });
}

/**
 * Nest has no hook between the last response and the hooks of shutdown, in which databases close that tasks may need. The hooks
 * of a global module come last of all.
 */
function closeWith(adapter: AbstractHttpAdapter, host: AdapterHost): void {
  const close = adapter.close.bind(adapter);
  adapter.close = async () => {
    await close();
    await host.close();
  };
}
