/**
 * Background tasks for Koa 3.
 *
 * @packageDocumentation
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type Koa from "koa";
import type { BackgroundTasks } from "../../background/background-tasks.ts";
import { resolverKey } from "../../dependencies/resolve.ts";
import { StoreError } from "../../tasks/store-error.ts";
import { AdapterHost, withControl, type BackgroundTasksControl } from "../core/adapter-host.ts";
import type { BackgroundTasksOptions } from "../core/adapter-options.ts";
import { NodeExchange, type NodeFramework } from "../core/node-exchange.ts";

export type { BackgroundTasksControl, BackgroundTasksOptions };

declare module "koa" {
  interface ExtendableContext {
    /** The background tasks of this request. */
    readonly tasks: BackgroundTasks;
  }
}

/** What is used of Koa's context. */
interface ContextLike {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly request: Koa.Context["request"];
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
  [resolverKey]?: NodeExchange;
}

/** Koa middleware. */
export interface KoaBackgroundTasks extends BackgroundTasksControl {
  (context: ContextLike, next: () => Promise<unknown>): Promise<void>;
}

const node: NodeFramework = {
  tellsErrors: true,
  parse({ source }) {
    const { params, request } = source as { params?: unknown; request: { body?: unknown } };
    return { params, body: request.body };
  },
};

const tasksProperty: PropertyDescriptor = {
  configurable: true,
  get(this: ContextLike) {
    return this[resolverKey]!.list;
  },
};

/**
 * Middleware that gives each context its `tasks`. They start when the response has left or the client has gone. A response
 * with named tasks is held back until these are stored, and is a 503 if they are not. Add it first: what middleware before it
 * catches and answers counts as failed.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import Koa from "koa";
 * import { backgroundTasks } from "afterword/koa";
 *
 * const app = new Koa();
 * app.use(backgroundTasks());
 * app.use((ctx) => {
 *   ctx.tasks.addTask(console.log, "after the response");
 *   ctx.body = { message: "You will get a mail" };
 * });
 * ```
 */
export function backgroundTasks(options?: BackgroundTasksOptions): KoaBackgroundTasks {
  const host = new AdapterHost("backgroundTasks() of afterword/koa", options);
  const middleware = async (context: ContextLike, next: () => Promise<unknown>): Promise<void> => {
    const opening = host.ready();
    if (opening !== undefined) await opening;
    const exchange = new NodeExchange(host, node, context.req, context.res, context);
    context[resolverKey] = exchange;
    // Once for an app: on each context it would make all its properties slow.
    if (!("tasks" in context)) Object.defineProperty(Object.getPrototypeOf(context), "tasks", tasksProperty);
    try {
      await host.run(next);
    } catch (error) {
      const cause = await exchange.failWith(error);
      await exchange.finish();
      exchange.leave();
      throw cause;
    }
    if (!exchange.isUsed) return;
    const finishing = exchange.finish();
    const failure = finishing && (await finishing);
    exchange.leave();
    if (failure === undefined) return;
    // Koa's and the user's own way with errors is for those of the user.
    if (!(failure.error instanceof StoreError)) throw failure.error;
    await refuse(context, await exchange.refuse(failure.error));
  };
  return withControl(middleware, host);
}

async function refuse(context: ContextLike, answer: Response): Promise<void> {
  context.body = await answer.text();
  context.status = answer.status;
  context.set(Object.fromEntries(answer.headers));
}
