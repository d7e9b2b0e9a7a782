import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { toRouteDefinition, type DefineRoute, type DefineRouteOn, type RouteDefinition } from "./route-definition.ts";

import { socketMethod, toSocketDefinition, type DefineSocket } from "./socket-definition.ts";

type Sink = (route: RouteDefinition) => void;

/**
 * What an app and a router have in common: the methods that define routes, and routers that are included. A route
 * defined after its router was included arrives as well.
 */
export abstract class RouteTable {
  readonly get: DefineRoute<this> = this.#define("GET");
  readonly post: DefineRoute<this> = this.#define("POST");
  readonly put: DefineRoute<this> = this.#define("PUT");
  readonly patch: DefineRoute<this> = this.#define("PATCH");
  readonly delete: DefineRoute<this> = this.#define("DELETE");
  readonly options: DefineRoute<this> = this.#define("OPTIONS");
  /** Answers HEAD itself. Without it, HEAD is answered by the GET route, without a body. */
  readonly head: DefineRoute<this> = this.#define("HEAD");

  /** Defines a WebSocket. A GET route of the same path may stand beside it, for requests that ask for none. */
  readonly websocket: DefineSocket<this> = (...args: unknown[]): this => {
    this.add(toSocketDefinition(args));
    return this;
  };

  readonly #routes: RouteDefinition[] = [];
  readonly #sinks: Sink[] = [];

  /** Defines a route for any method, or for several: `app.on("PURGE", "/cache", …)`. */
  readonly on: DefineRouteOn<this> = (method: string | readonly string[], ...args: unknown[]): this => {
    const names = typeof method === "string" ? [method] : method;
    if (names.includes(socketMethod))
      throw new DeclarationError("A WebSocket is no method: define it with app.websocket(path, params, handler).");
    for (const name of names) this.add(toRouteDefinition(name.toUpperCase(), args));
    return this;
  };

  /**
   * Adds the routes of a router, with its prefix, tags and dependencies; also those that it gets later.
   *
   * @throws {DeclarationError} when a route exists already, or a router would include itself
   */
  include(router: RouteTable): this {
    if (!(router instanceof RouteTable))
      throw new DeclarationError(`include() expects a Router, but got ${formatValue(router)}.`);
    if (router === this || router.#includes(this))
      throw new DeclarationError("A router cannot include itself, directly or through others.");
    for (const route of router.#routes) this.add(router.outward(route));
    router.#sinks.push((route) => this.add(router.outward(route)));
    this.#children.push(router);
    return this;
  }

  readonly #children: RouteTable[] = [];

  #includes(router: RouteTable): boolean {
    return this.#children.some((child) => child === router || child.#includes(router));
  }

  /** A route of this table as whoever includes it sees it. */
  protected abstract outward(route: RouteDefinition): RouteDefinition;

  /** Checks a route. Throws to refuse it. */
  protected abstract check(route: RouteDefinition): void;

  protected add(route: RouteDefinition): void {
    this.check(route);
    this.#routes.push(route);
    for (const sink of this.#sinks) sink(route);
  }

  /** The routes, in the order in which they were added. */
  get routes(): readonly RouteDefinition[] {
    return this.#routes;
  }

  #define(method: string): DefineRoute<this> {
    return ((...args: unknown[]) => {
      this.add(toRouteDefinition(method, args));
      return this;
    }) as DefineRoute<this>;
  }
}
