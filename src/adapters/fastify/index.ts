/**
 * Background tasks for Fastify 5.
 *
 * @packageDocumentation
 */
import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import type { BackgroundTasks } from "../../background/background-tasks.ts";
import { resolverKey } from "../../dependencies/resolve.ts";
import { StoreError } from "../../tasks/store-error.ts";
import { AdapterHost, type BackgroundTasksControl } from "../core/adapter-host.ts";
import type { BackgroundTasksOptions } from "../core/adapter-options.ts";
import { NodeExchange, type NodeFramework } from "../core/node-exchange.ts";
import type { ParsedRequest } from "../core/node-request.ts";

export type { BackgroundTasksControl, BackgroundTasksOptions };

declare module "fastify" {
  interface FastifyRequest {
    /** The background tasks of this request. */
    readonly tasks: BackgroundTasks;
  }
  interface FastifyInstance {
    /** The background tasks of this server: events, and `close()`, which `fastify.close()` calls by itself. */
    readonly backgroundTasks: BackgroundTasksControl;
  }
}

type Requested = FastifyRequest & { [resolverKey]?: NodeExchange };

const fastify: NodeFramework = {
  tellsErrors: true,
  parse: ({ source }) => source as ParsedRequest,
};

/**
 * A plugin that gives each request its `tasks`, in the whole server, for routes defined after it. They start when the response
 * has left or the client has gone. A response with named tasks is held back until these are stored, and is a 503 if they
 * are not. `fastify.close()` waits for them, within `background.drainTimeout`.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import Fastify from "fastify";
 * import { backgroundTasks } from "afterword/fastify";
 *
 * const fastify = Fastify();
 * await fastify.register(backgroundTasks, { background: { drainTimeout: "10s" } });
 * fastify.post("/users", async (request) => {
 *   request.tasks.addTask(console.log, "after the response");
 *   return { message: "You will get a mail" };
 * });
 * ```
 */
export const backgroundTasks: FastifyPluginAsync<BackgroundTasksOptions> = async (
  server: FastifyInstance,
  options: BackgroundTasksOptions,
): Promise<void> => {
  // Fastify adds what it was told at register() to the options.
  const {
    prefix: _prefix,
    logLevel: _level,
    logSerializers: _serializers,
    ...own
  } = options as Record<string, unknown>;
  const host = new AdapterHost("the plugin backgroundTasks of afterword/fastify", own);
  server.decorate("backgroundTasks", host);
  server.decorateRequest(resolverKey as never, undefined as never);
  server.decorateRequest("tasks", {
    getter(this: Requested) {
      return this[resolverKey]!.list;
    },
  });
  server.addHook("onReady", async () => {
    await host.open();
  });
  server.addHook("onRequest", (request: Requested, reply, done) => {
    request[resolverKey] = new NodeExchange(host, fastify, request.raw, reply.raw, request);
    host.run(done);
  });
  // Before the error handlers of the user, which may answer with anything.
  server.addHook("onRoute", (route) => {
    const own = route.errorHandler;
    route.errorHandler = function (this: FastifyInstance, error: FastifyError, request, reply) {
      const failing = (request as Requested)[resolverKey]?.fail(error);
      const goOn = (cause: FastifyError): unknown => (own ? own.call(this, cause, request, reply) : reply.send(cause));
      return failing ? failing.then((failure) => goOn(failure.error as FastifyError)) : goOn(error);
    };
  });
  let isClosing = false;
  server.addHook("preClose", async () => {
    isClosing = true;
  });
  server.addHook("onSend", (request: Requested, reply, payload, done) => {
    // Fastify waits for connections that are kept alive, once they were busy when it began to close.
    if (isClosing) reply.header("connection", "close");
    const exchange = request[resolverKey];
    if (exchange === undefined || !exchange.isUsed) return done(null, payload);
    const finishing = exchange.finish();
    if (finishing === undefined) {
      exchange.leave();
      return done(null, payload);
    }
    void finishing.then(async (failure) => {
      if (failure === undefined) return done(null, payload);
      // Fastify's and the user's own way with errors is for those of the user.
      if (!(failure.error instanceof StoreError)) return done(failure.error as Error);
      done(null, await refuse(reply, await exchange.refuse(failure.error)));
    }, done);
  });
  // Runs when the server has closed and no response is under way. Its hooks for responses are not waited for, so tasks start
  // with the event `close` of the response and are waited for here.
  server.addHook("onClose", async () => {
    await host.close();
  });
};

/** Turns a reply into a refusal. */
async function refuse(reply: FastifyReply, answer: Response): Promise<string> {
  for (const name of Object.keys(reply.getHeaders()))
    if (name.startsWith("content-") || name === "set-cookie" || name === "location") reply.removeHeader(name);
  const text = await answer.text();
  reply.code(answer.status).headers(Object.fromEntries(answer.headers));
  return text;
}

// What fastify-plugin does: the decorators and hooks hold for the whole server.
Object.assign(backgroundTasks, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "afterword",
  [Symbol.for("plugin-meta")]: { name: "afterword", fastify: "5.x" },
});
