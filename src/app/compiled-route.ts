import type { StandardSchemaV1 } from "@standard-schema/spec";
import { createPlan, type Plan } from "../dependencies/plan.ts";
import type { Dependency } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import type { DescribedRoute } from "../openapi/described-route.ts";
import type { Overrides } from "./overrides.ts";
import type { RouteDefinition } from "./route-definition.ts";
import { tokenSource } from "./tokens.ts";

/** A route as an app serves it: checked, and planned for the overrides of the moment. */
export class CompiledRoute {
  readonly label: string;
  readonly definition: RouteDefinition;
  readonly handler: (values: unknown) => unknown;
  readonly status: number;
  readonly responseSchema: StandardSchemaV1 | undefined;
  readonly #dependencies: readonly Dependency<unknown>[];
  readonly #overrides: Overrides;
  #plan: Plan;
  #version: number;

  /** @throws {DeclarationError} for whatever cannot work */
  constructor(definition: RouteDefinition, appDependencies: readonly Dependency<unknown>[], overrides: Overrides) {
    this.label = `${definition.method} ${definition.path}`;
    this.definition = definition;
    this.handler = definition.handler as (values: unknown) => unknown;
    this.status = definition.options.status ?? 200;
    this.responseSchema = definition.options.response;
    this.#dependencies = [...appDependencies, ...(definition.options.dependencies ?? [])];
    this.#overrides = overrides;
    this.#version = overrides.version;
    this.#plan = this.#createPlan();
    this.#checkPathParameters();
    this.#checkPlaces();
  }

  get plan(): Plan {
    if (this.#version !== this.#overrides.version) {
      this.#plan = this.#createPlan();
      this.#version = this.#overrides.version;
    }
    return this.#plan;
  }

  /** The route as its declarations stand, without overrides. */
  get described(): DescribedRoute {
    const { method, path, options, handler } = this.definition;
    return { method, path, options, handlerName: handler.name, sources: this.#createPlan(new Map()).sources };
  }

  #createPlan(overrides: Overrides["map"] = this.#overrides.map): Plan {
    return createPlan(this.#dependencies, this.definition.params, {
      label: this.label,
      token: tokenSource,
      overrides,
    });
  }

  /** A WebSocket has no body and no reply, and only a WebSocket has a connection. */
  #checkPlaces(): void {
    const isSocket = this.definition.socket !== undefined;
    for (const { place, label } of this.#plan.sources) {
      const isOfBody = place === "body" || place === "form" || place === "file" || label === "Reply";
      if (isSocket && isOfBody)
        throw new DeclarationError(
          `${this.label}: ${label} cannot be declared for a WebSocket, whose request has no body and whose answer is the connection.`,
        );
      if (!isSocket && label === "WebSocketConnection")
        throw new DeclarationError(
          `${this.label}: WebSocketConnection can only be declared under app.websocket(path, params, handler).`,
        );
    }
  }

  #checkPathParameters(): void {
    const names = pathParameterNames(this.definition.path);
    for (const { place, name, label } of this.#plan.sources) {
      if (place === "path" && !names.includes(name))
        throw new DeclarationError(
          `${this.label}: ${label} is declared, but the path has ${names.length === 0 ? "no parameters" : `only ${names.map((known) => `:${known}`).join(", ")}`}. Write it into the path as ":${name}", or name it with path(schema, { alias }).`,
        );
    }
  }
}

/** The names in a path of Hono's syntax: `/users/:id{[0-9]+}/:tab?` has `id` and `tab`. */
export function pathParameterNames(path: string): string[] {
  return Array.from(path.matchAll(/\/:([^/{?]+)/g), (match) => match[1]!);
}

/** Two paths of the same pattern match the same requests, whatever their parameters are called. */
export function pathPattern(path: string): string {
  return path.replaceAll(/\/:[^/{?]+/g, "/:");
}
