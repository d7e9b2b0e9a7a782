import { createPlan } from "../dependencies/plan.ts";
import type { Dependency } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { checkDependencies, type RouteDefinition } from "./route-definition.ts";
import { RouteTable } from "./route-table.ts";
import { tokenSource } from "./tokens.ts";

/** What all routes of a router share. */
export interface RouterOptions {
  /** Put before each path: starts with `/` and does not end with one. @defaultValue none */
  readonly prefix?: string;
  /** Put before the tags of each route. */
  readonly tags?: readonly string[];
  /** Solved before the dependencies of each route. */
  readonly dependencies?: readonly Dependency<unknown>[];
}

/**
 * A group of routes that an app, or another router, includes.
 *
 * @example
 * ```ts
 * import { App, path, Router } from "afterword";
 *
 * const users = new Router({ prefix: "/users", tags: ["users"] });
 * users.get("/:id", { id: path() }, ({ id }) => ({ id }));
 *
 * const app = new App();
 * app.include(users); // GET /users/:id
 * ```
 */
export class Router extends RouteTable {
  readonly #prefix: string;
  readonly #tags: readonly string[];
  readonly #dependencies: readonly Dependency<unknown>[];

  /** @throws {DeclarationError} for an unknown option or a wrong value */
  constructor(options: RouterOptions = {}) {
    super();
    const { prefix = "", tags = [], dependencies = [], ...rest } = options;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined)
      throw new DeclarationError(
        `new Router() knows the options prefix, tags and dependencies, but got ${JSON.stringify(unknown)}.`,
      );
    if (typeof prefix !== "string" || (prefix !== "" && !/^\/.*[^/]$/.test(prefix)))
      throw new DeclarationError(
        `A router's prefix must start with "/" and not end with "/", as in "/users", but got ${formatValue(prefix)}.`,
      );
    checkDependencies(`new Router({ prefix: ${JSON.stringify(prefix)} })`, dependencies);
    this.#prefix = prefix;
    this.#tags = tags;
    this.#dependencies = dependencies;
  }

  protected override outward(route: RouteDefinition): RouteDefinition {
    const { options } = route;
    return {
      ...route,
      path: this.#prefix === "" ? route.path : this.#prefix + (route.path === "/" ? "" : route.path),
      options: {
        ...options,
        tags: [...this.#tags, ...(options.tags ?? [])],
        dependencies: [...this.#dependencies, ...(options.dependencies ?? [])],
      },
    };
  }

  /** What is wrong in itself is refused here, where it was written; the rest when an app includes it. */
  protected override check(route: RouteDefinition): void {
    createPlan(route.options.dependencies ?? [], route.params, {
      label: `${route.method} ${this.#prefix}${route.path}`,
      token: tokenSource,
      overrides: new Map(),
    });
  }
}
