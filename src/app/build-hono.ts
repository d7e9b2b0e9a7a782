import { Hono, type MiddlewareHandler } from "hono";
import { mount as mountHandler } from "hono/mount";
import { TrieRouter } from "hono/router/trie-router";
import { HTTPException } from "../internal/http-exception.ts";
import { pathPattern, type CompiledRoute } from "./compiled-route.ts";
import type { ExchangeContext } from "./exchange.ts";
import { createHandler, errorToResponse, type HandleHost } from "./handle.ts";
import { createSocketHandler } from "./socket-handler.ts";
import { guarded, onMiddlewareError, sealing } from "./middleware.ts";

/** A web-standard request handler. */
export type FetchHandler = (request: Request, env?: unknown, context?: unknown) => Response | Promise<Response>;

/** A fetch handler of any framework, whatever it wants to know of its environment. */
export type MountTarget = (request: Request, ...rest: never[]) => Response | Promise<Response>;

/** What a Hono instance is built from. */
export interface HonoParts {
  readonly middleware: readonly { readonly path: string; readonly handler: MiddlewareHandler }[];
  readonly mounts: readonly { readonly prefix: string; readonly fetch: FetchHandler }[];
  readonly routes: readonly CompiledRoute[];
}

/**
 * Builds what serves an app: middleware first, whenever it was added, then routes, then mounts.
 *
 * Hono answers HEAD with the GET route and never looks for another, so an app with HEAD routes of its own has a second
 * instance for HEAD requests, in which those stand in the place of GET routes.
 */
export function buildFetch(parts: HonoParts, host: HandleHost): FetchHandler {
  const main = buildHono(parts, host, (route) => route.definition.method);
  const heads = parts.routes.filter((route) => route.definition.method === "HEAD");
  if (heads.length === 0) return main.fetch as FetchHandler;
  const patterns = new Set(heads.map((route) => pathPattern(route.definition.path)));
  const others = parts.routes.filter(
    ({ definition }) => definition.method !== "GET" || !patterns.has(pathPattern(definition.path)),
  );
  const head = buildHono({ ...parts, routes: others }, host, (route) =>
    route.definition.method === "HEAD" ? "GET" : route.definition.method,
  );
  return (request, env, context) =>
    (request.method === "HEAD" ? head : main).fetch(request, env as never, context as never);
}

/**
 * Up to here Hono's one regular expression is the quickest; at 5,000 routes it takes 4 to 6 µs for a match, and a tree 0.7 µs at any
 * size (bench/routes.ts).
 */
const maxRoutesInOneExpression = 300;

function buildHono(parts: HonoParts, host: HandleHost, methodOf: (route: CompiledRoute) => string): Hono {
  const hono = parts.routes.length > maxRoutesInOneExpression ? new Hono({ router: new TrieRouter() }) : new Hono();
  if (host.hasMiddleware) hono.use(sealing(host) as unknown as MiddlewareHandler);
  for (const { path, handler } of parts.middleware)
    hono.use(path, guarded(handler, host) as unknown as MiddlewareHandler);
  const gets = new Set(
    parts.routes
      .filter(({ definition }) => definition.method === "GET")
      .map(({ definition }) => pathPattern(definition.path)),
  );
  // Before the others, so that a GET route of the same path gets what asks for no WebSocket.
  for (const route of parts.routes.filter(({ definition }) => definition.socket))
    hono.get(
      route.definition.path,
      createSocketHandler(route, host, gets.has(pathPattern(route.definition.path))) as never,
    );
  const others = parts.routes.filter(({ definition }) => !definition.socket);
  for (const route of others) hono.on(methodOf(route), route.definition.path, createHandler(route, host) as never);
  for (const { prefix, fetch } of parts.mounts) hono.all(`${prefix}/*`, mountHandler(fetch));
  const methods = [...new Set(parts.routes.map(({ definition }) => (definition.socket ? "GET" : definition.method)))];
  hono.notFound(
    (context) =>
      errorToResponse(
        notFound(hono, methods, context.req.method, context.req.path),
        context as unknown as ExchangeContext,
        host,
      ) as Response,
  );
  hono.onError((error, context) => onMiddlewareError(error, context as unknown as ExchangeContext, host));
  return hono;
}

/** 405 with `Allow` (RFC 9110, section 15.5.6) where another method has a route, else 404. */
function notFound(hono: Hono, methods: readonly string[], asked: string, path: string): HTTPException {
  const allowed = methods.filter(
    (method) => method !== asked && hono.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
  if (allowed.length === 0) return new HTTPException(404);
  if (allowed.includes("GET") && !allowed.includes("HEAD")) allowed.push("HEAD");
  return new HTTPException(405, undefined, { allow: allowed.toSorted().join(", ") });
}
