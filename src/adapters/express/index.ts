/**
 * Background tasks for Express 5.
 *
 * @packageDocumentation
 */
import { IncomingMessage, type ServerResponse } from "node:http";
import type { BackgroundTasks } from "../../background/background-tasks.ts";
import { resolverKey } from "../../dependencies/resolve.ts";
import { AdapterHost, withControl, type BackgroundTasksControl } from "../core/adapter-host.ts";
import type { BackgroundTasksOptions } from "../core/adapter-options.ts";
import { NodeExchange, type NodeFramework } from "../core/node-exchange.ts";
import type { ParsedRequest } from "../core/node-request.ts";

export type { BackgroundTasksControl, BackgroundTasksOptions };

declare global {
  // Where @types/express has its own extension point.
  // oxlint-disable-next-line typescript/no-namespace
  namespace Express {
    interface Request {
      /** The background tasks of this request. */
      readonly tasks: BackgroundTasks;
    }
  }
}

type Next = (error?: unknown) => void;
type Requested = IncomingMessage & { [resolverKey]?: NodeExchange };

/** Express middleware. */
export interface ExpressBackgroundTasks extends BackgroundTasksControl {
  (request: IncomingMessage, response: ServerResponse, next: Next): void;
  /**
   * Middleware for errors, to be added after the routes and before your own: a request whose handler threw has failed
   * then, whatever it is answered with. Without it only an answer of status 500 or above says so.
   */
  readonly errorHandler: (error: unknown, request: IncomingMessage, response: ServerResponse, next: Next) => void;
}

const express: NodeFramework = {
  tellsErrors: false,
  parse: ({ source }) => source as ParsedRequest,
};

const tasksProperty: PropertyDescriptor = {
  configurable: true,
  get(this: Requested) {
    return this[resolverKey]!.list;
  },
};

/**
 * Where all requests of an app find it: on each of them it would make all their properties slow. Express has an object for that;
 * without Express it is the request itself.
 */
function toPrototype(request: Requested): object {
  const prototype = Object.getPrototypeOf(request) as object;
  return prototype === IncomingMessage.prototype ? request : prototype;
}

/**
 * Middleware that gives each request its `tasks`. They start when the response has left or the client has gone. A response
 * with named tasks is held back until these are stored, and is a 503 if they are not.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import express from "express";
 * import { backgroundTasks } from "afterword/express";
 *
 * const app = express();
 * const background = backgroundTasks();
 * app.use(background);
 * app.post("/users", (req, res) => {
 *   req.tasks.addTask(console.log, "after the response");
 *   res.json({ message: "You will get a mail" });
 * });
 * app.use(background.errorHandler);
 *
 * const server = app.listen(3000);
 * process.once("SIGTERM", () => server.close(() => void background.close()));
 * ```
 */
export function backgroundTasks(options?: BackgroundTasksOptions): ExpressBackgroundTasks {
  const host = new AdapterHost("backgroundTasks() of afterword/express", options);
  const middleware = (request: Requested, response: ServerResponse, next: Next): void => {
    const opening = host.ready();
    if (opening !== undefined) return void opening.then(() => middleware(request, response, next));
    if (request[resolverKey] === undefined) {
      request[resolverKey] = new NodeExchange(host, express, request, response);
      if (!("tasks" in request)) Object.defineProperty(toPrototype(request), "tasks", tasksProperty);
    }
    host.run(next);
  };
  const errorHandler = (error: unknown, request: Requested, _response: ServerResponse, next: Next): void => {
    const failing = request[resolverKey]?.fail(error);
    if (failing === undefined) next(error);
    else void failing.then((failure) => next(failure.error));
  };
  return withControl(Object.assign(middleware, { errorHandler }), host);
}
