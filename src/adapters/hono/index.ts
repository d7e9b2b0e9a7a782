/**
 * Background tasks for Hono 4, on every runtime.
 *
 * @packageDocumentation
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context, HonoRequest, MiddlewareHandler, Next } from "hono";
import { isAnswerable } from "../../app/error-handlers.ts";
import type { BackgroundTasks } from "../../background/background-tasks.ts";
import { resolverKey } from "../../dependencies/resolve.ts";
import { AdapterHost, withControl, type BackgroundTasksControl } from "../core/adapter-host.ts";
import type { BackgroundTasksOptions } from "../core/adapter-options.ts";
import { FetchExchange, type FetchHost } from "../core/fetch-exchange.ts";
import type { HostedExchange } from "../core/hosted-exchange.ts";
import { NodeExchange, type NodeFramework } from "../core/node-exchange.ts";

export type { BackgroundTasksControl, BackgroundTasksOptions };

declare module "hono" {
  interface ContextVariableMap {
    /** The background tasks of this request. */
    readonly tasks: BackgroundTasks;
  }
}

/** Hono middleware. */
export type HonoBackgroundTasks = MiddlewareHandler<{ Variables: { readonly tasks: BackgroundTasks } }> &
  BackgroundTasksControl;

/** What \@hono/node-server puts into the environment. */
interface NodeEnv {
  readonly incoming?: IncomingMessage;
  readonly outgoing?: ServerResponse;
}

const node: NodeFramework = { tellsErrors: true, parse: () => ({}) };

/** On Node there is a socket to watch, so that the body passes untouched. */
class NodeHonoExchange extends NodeExchange {
  override toHonoRequest(): HonoRequest {
    return (this.source as Context).req;
  }
}

/**
 * Middleware that gives each request its `tasks`, in `c.var`. They start when the response has left or the client has gone;
 * on hosts without a socket when the body has been read, and are handed to `waitUntil`. A response with named tasks is held
 * back until these are stored, and is a 503 if they are not.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { backgroundTasks } from "afterword/hono";
 *
 * const app = new Hono();
 * app.use(backgroundTasks());
 * app.post("/users", (c) => {
 *   c.var.tasks.addTask(console.log, "after the response");
 *   return c.json({ message: "You will get a mail" });
 * });
 * ```
 */
export function backgroundTasks(options?: BackgroundTasksOptions): HonoBackgroundTasks {
  const host = new AdapterHost("backgroundTasks() of afterword/hono", options);
  const middleware = async (c: Context, next: Next): Promise<void> => {
    const opening = host.ready();
    if (opening !== undefined) await opening;
    const { incoming, outgoing } = (c.env ?? {}) as NodeEnv;
    const exchange =
      incoming && outgoing
        ? new NodeHonoExchange(host, node, incoming, outgoing, c)
        : new FetchExchange(host, c.req.raw, hostOf(c), c.req);
    (c as { [resolverKey]?: HostedExchange })[resolverKey] = exchange;
    c.set("tasks", exchange.list);
    await host.run(next);
    if (c.error) await exchange.fail(c.error);
    try {
      const { res } = c;
      const sent = send(exchange, res);
      if (sent !== res) replace(c, await sent);
    } catch (error) {
      const cause = await exchange.failWith(error);
      if (isAnswerable(cause)) return replace(c, await send(exchange, await exchange.refuse(cause)));
      if (exchange instanceof FetchExchange) exchange.abandon();
      throw cause;
    }
  };
  return withControl(middleware as MiddlewareHandler, host);
}

function send(exchange: NodeHonoExchange | FetchExchange, response: Response): Response | Promise<Response> {
  return exchange instanceof FetchExchange ? exchange.seal(response) : exchange.complete(response);
}

/** Hono adds the headers of the response that stands there to the new one. */
function replace(c: Context, response: Response): void {
  if (response === c.res) return;
  c.res = undefined;
  c.res = response;
}

function hostOf(c: Context): FetchHost {
  const { completed } = (c.env ?? {}) as { readonly completed?: unknown };
  return {
    waitUntil(promise) {
      try {
        c.executionCtx.waitUntil(promise);
      } catch {
        // The host gave no execution context.
      }
    },
    completed: completed instanceof Promise ? completed : undefined,
  };
}
