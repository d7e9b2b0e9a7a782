import type { StandardSchemaV1 } from "@standard-schema/spec";
import { BackgroundTask } from "../background/background-task.ts";
import { Dependency, type Params, type ValuesOf } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { trueOrFalse, type OptionCheck } from "../params/parameter-options.ts";
import { checkResponses } from "../openapi/described-response.ts";
import type { SocketConfig } from "./socket-definition.ts";
import { routeOptionNames, type RouteOptions } from "./route-options.ts";

/** A route as it was written, with what its routers add to it. */
export interface RouteDefinition {
  /** In upper case. */
  readonly method: string;
  /** In Hono's syntax, with the prefixes of its routers. */
  readonly path: string;
  readonly options: RouteOptions;
  readonly params: Params;
  readonly handler: (values: never) => unknown;
  /** For a WebSocket route, whose method is `WEBSOCKET`. */
  readonly socket?: SocketConfig;
}

/** What a handler with the response schema `S` may return. */
export type RouteResult<S> = S extends StandardSchemaV1
  ? AwaitableResult<StandardSchemaV1.InferInput<S> | Response>
  : unknown;

/** `Promise` beside `PromiseLike`, because the compiler explains best what is wrong with an argument of the same type. */
type AwaitableResult<T> = T | PromiseLike<T> | Promise<T>;

/**
 * Defines a route: `(path, handler)`, `(path, params, handler)` or `(path, options, params, handler)`.
 *
 * `params` is a record: the key is the name in the handler, the value declares where it comes from. The handler gets one
 * object with the values. What it returns is the response: plain data as JSON, a `Response` as it is, an async iterable
 * as a stream.
 *
 * Throws a `DeclarationError` for whatever cannot work: a value that is no declaration, two bodies, a circle of
 * dependencies, a path parameter that the path lacks, a route that exists.
 *
 * @example
 * ```ts
 * import { App, path, query } from "afterword";
 * import * as z from "zod";
 *
 * const app = new App();
 * app.get("/", () => ({ hello: "world" }));
 * app.get("/items/:id", { id: path(z.int()), q: query() }, ({ id, q }) => ({ id, q }));
 * app.post("/items", { status: 201, tags: ["items"] }, {}, () => ({ created: true }));
 * ```
 */
export interface DefineRoute<Self> {
  (path: string, handler: () => unknown): Self;
  <const P extends Params>(path: string, params: P, handler: (values: ValuesOf<P>) => unknown): Self;
  <const P extends Params, S extends StandardSchemaV1 | undefined = undefined>(
    path: string,
    options: RouteOptions<S>,
    params: P,
    handler: (values: ValuesOf<P>) => RouteResult<S>,
  ): Self;
}

/** {@link DefineRoute} for any method, or for several. */
export interface DefineRouteOn<Self> {
  (method: string | readonly string[], path: string, handler: () => unknown): Self;
  <const P extends Params>(
    method: string | readonly string[],
    path: string,
    params: P,
    handler: (values: ValuesOf<P>) => unknown,
  ): Self;
  <const P extends Params, S extends StandardSchemaV1 | undefined = undefined>(
    method: string | readonly string[],
    path: string,
    options: RouteOptions<S>,
    params: P,
    handler: (values: ValuesOf<P>) => RouteResult<S>,
  ): Self;
}

/** @throws {DeclarationError} when the arguments are not those of {@link DefineRoute} */
export function toRouteDefinition(method: string, args: readonly unknown[]): RouteDefinition {
  const [path, ...rest] = args;
  const handler = rest.pop();
  const params = rest.pop() ?? {};
  const options = rest.pop() ?? {};
  const label = `${method} ${typeof path === "string" ? path : formatValue(path)}`;
  if (typeof method !== "string" || !/^[A-Z][A-Z-]*$/.test(method))
    throw new DeclarationError(
      `A route's method must be a word such as "GET" or "PURGE", but got ${formatValue(method)}.`,
    );
  if (typeof path !== "string" || !path.startsWith("/"))
    throw new DeclarationError(`A route's path must be a string that starts with "/", but got ${formatValue(path)}.`);
  assertPathSyntax(label, path);
  if (typeof handler !== "function" || rest.length > 0 || !isRecord(params) || !isRecord(options))
    throw new DeclarationError(
      `${label}: a route is defined by (path, handler), (path, params, handler) or (path, options, params, handler), but got (${args.map((arg) => formatValue(arg, 40)).join(", ")}).`,
    );
  checkOptions(label, options);
  return { method, path, options, params: params as Params, handler: handler as (values: never) => unknown };
}

/** @throws {DeclarationError} for a parameter in the syntax of OpenAPI and FastAPI, which would be matched letter by letter */
export function assertPathSyntax(label: string, path: string): void {
  const braces = /\/\{(\w+)(?::\w+)?\}/.exec(path);
  if (braces)
    throw new DeclarationError(
      `${label}: a path parameter is written with a colon, as in "${path.replace(braces[0], `/:${braces[1]}`)}", and not in braces.`,
    );
}

function checkOptions(
  label: string,
  options: Record<string, unknown>,
): asserts options is RouteOptions & Record<string, unknown> {
  for (const name of Object.keys(options)) {
    if (!routeOptionNames.has(name))
      throw new DeclarationError(
        `${label}: a route has no option ${JSON.stringify(name)}. It has ${[...routeOptionNames].join(", ")}. Parameters stand in a record of their own, after the options.`,
      );
  }
  const { status, dependencies, background, response, responses } = options;
  if (status !== undefined && !(Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599))
    throw new DeclarationError(
      `${label}: status must be an HTTP status from 200 to 599, but got ${formatValue(status)}.`,
    );
  checkDependencies(label, dependencies);
  if (background !== undefined && !(background instanceof BackgroundTask))
    throw new DeclarationError(`${label}: background must be a BackgroundTask, but got ${formatValue(background)}.`);
  if (response !== undefined && (response as StandardSchemaV1 | null)?.["~standard"] === undefined)
    throw new DeclarationError(
      `${label}: response must be a Standard Schema (zod, valibot, arktype, …), but got ${formatValue(response)}.`,
    );
  checkResponses(label, responses);
  for (const [name, { expected, accepts }] of Object.entries(documentOptions)) {
    const value = options[name];
    if (value !== undefined && !accepts(value))
      throw new DeclarationError(`${label}: ${name} must be ${expected}, but got ${formatValue(value)}.`);
  }
}

const text: OptionCheck = { expected: "a string", accepts: (value) => typeof value === "string" };

/** Options that only the document reads. */
const documentOptions: Readonly<Record<string, OptionCheck>> = {
  tags: {
    expected: "an array of strings",
    accepts: (value) => Array.isArray(value) && value.every((tag) => typeof tag === "string"),
  },
  summary: text,
  description: text,
  operationId: text,
  deprecated: trueOrFalse,
  includeInSchema: trueOrFalse,
};

/** @throws {DeclarationError} when `dependencies` is not an array of dependencies */
export function checkDependencies(
  label: string,
  dependencies: unknown,
): asserts dependencies is readonly Dependency<unknown>[] | undefined {
  if (dependencies === undefined) return;
  const wrong = Array.isArray(dependencies)
    ? dependencies.find((value) => !(value instanceof Dependency))
    : dependencies;
  if (!Array.isArray(dependencies) || dependencies.some((value) => !(value instanceof Dependency)))
    throw new DeclarationError(
      `${label}: dependencies must be an array of what dependency() returns, but got ${formatValue(wrong)}.`,
    );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
