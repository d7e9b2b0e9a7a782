/**
 * Background tasks for servers on `node:http` and `node:http2`, without a framework.
 *
 * @packageDocumentation
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BackgroundTasks } from "../../background/background-tasks.ts";
import { resolverKey } from "../../dependencies/resolve.ts";
import { AdapterHost, withControl, type BackgroundTasksControl } from "../core/adapter-host.ts";
import type { BackgroundTasksOptions } from "../core/adapter-options.ts";
import { NodeExchange, type NodeFramework } from "../core/node-exchange.ts";

export type { BackgroundTasksControl, BackgroundTasksOptions };

/** Gives the list of a request, the same however often it is asked for it. */
export interface NodeBackgroundTasks extends BackgroundTasksControl {
  (request: IncomingMessage, response: ServerResponse): BackgroundTasks;
}

const node: NodeFramework = { tellsErrors: false, parse: () => ({}) };

type Requested = IncomingMessage & { [resolverKey]?: NodeExchange };

/** One for each options object, so that a server may pass it with every request. */
const hosts = new WeakMap<BackgroundTasksOptions, NodeBackgroundTasks>();
const noOptions: BackgroundTasksOptions = {};

/**
 * The background tasks of a request, which start when its response has left or its client has gone; a response with named
 * tasks is held back until these are stored, and is a 503 if they are not.
 *
 * With options alone it returns a function of request and response that has `open()` and `close()`. With request and
 * response it returns the list; options that it is given are those of the first call with the same object.
 *
 * A response of status 500 or above counts as failed: tasks of `when: "success"` are dropped.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { backgroundTasks } from "afterword/node";
 *
 * const background = backgroundTasks({ background: { drainTimeout: "10s" } });
 * const server = createServer((request, response) => {
 *   background(request, response).addTask(console.log, "after the response");
 *   response.end("at once");
 * });
 * process.once("SIGTERM", () => server.close(() => void background.close()));
 * ```
 */
export function backgroundTasks(options?: BackgroundTasksOptions): NodeBackgroundTasks;
export function backgroundTasks(
  request: IncomingMessage,
  response: ServerResponse,
  options?: BackgroundTasksOptions,
): BackgroundTasks;
export function backgroundTasks(
  first: BackgroundTasksOptions | IncomingMessage = noOptions,
  response?: ServerResponse,
  options: BackgroundTasksOptions = noOptions,
): NodeBackgroundTasks | BackgroundTasks {
  return response === undefined ? of(first as BackgroundTasksOptions) : of(options)(first as IncomingMessage, response);
}

function of(options: BackgroundTasksOptions): NodeBackgroundTasks {
  let known = hosts.get(options);
  if (known === undefined) hosts.set(options, (known = create(options)));
  return known;
}

function create(options: BackgroundTasksOptions): NodeBackgroundTasks {
  const host = new AdapterHost("backgroundTasks() of afterword/node", options);
  return withControl((request: Requested, response: ServerResponse) => {
    // Nobody here could wait for it; those who need it do.
    void host.ready();
    return (request[resolverKey] ??= new NodeExchange(host, node, request, response)).list;
  }, host);
}
