import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { Dependency } from "./dependency.ts";

/** The property of another framework's request under which its exchange stands. */
export const resolverKey: unique symbol = Symbol.for("afterword.resolver");

/** Solves dependencies for one request. */
export interface Resolver {
  resolve<T>(dependency: Dependency<T>): Promise<T>;
}

/**
 * The value of a dependency, in a handler of another framework whose `backgroundTasks` has seen the request.
 *
 * It is the graph that an endpoint of `App` would get: solved once for a request, whoever asks, with the one
 * `BackgroundTasks` of the request. Dependencies of scope `"function"` are closed before the response leaves, those of
 * scope `"request"` after its tasks.
 *
 * @param request - what the handler was given: Express's, Fastify's, Nest's or Node's request, the context of Hono or Koa,
 *   a `Request`
 * @throws {AfterwordError} with code `no_exchange` when no `backgroundTasks` has seen the request
 * @throws {ValidationError} when what the dependency reads from the request is invalid; frameworks that go by `status` or
 *   `statusCode` answer it with 422
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { BackgroundTasks, dependency, query, resolve } from "afterword";
 * import { backgroundTasks } from "afterword/node";
 *
 * const getQuery = dependency({ q: query(), tasks: BackgroundTasks }, ({ q, tasks }) => {
 *   if (q) tasks.addTask(console.log, `found query: ${q}`);
 *   return q;
 * });
 *
 * createServer(async (request, response) => {
 *   backgroundTasks(request, response);
 *   response.end(await resolve(request, getQuery));
 * });
 * ```
 */
export async function resolve<T>(request: object, dependency: Dependency<T>): Promise<T> {
  if (!(dependency instanceof Dependency))
    throw new TypeError(
      `resolve(request, dependency) expects what dependency() returned, but got ${formatValue(dependency)}.`,
    );
  const resolver = (request as { readonly [resolverKey]?: Resolver } | undefined)?.[resolverKey];
  if (resolver === undefined)
    throw new AfterwordError(
      "no_exchange",
      `resolve(request, dependency) expects a request that backgroundTasks() has seen, but got ${formatValue(request, 60)}. Add the middleware or plugin before the routes, and pass what the handler was given.`,
    );
  return resolver.resolve(dependency);
}
