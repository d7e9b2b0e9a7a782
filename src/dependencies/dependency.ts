import type { BackgroundTasks } from "../background/background-tasks.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { Reply } from "../responses/reply.ts";
import type { WebSocketConnection } from "../websocket/websocket-connection.ts";
import type { Source } from "./source.ts";

/** When the clean-up of a dependency runs, and whether its value is shared. */
export interface DependencyOptions {
  /**
   * When the code after `yield` runs.
   *
   * - `"request"`: after the response **and** its background tasks, which may still use the value.
   * - `"function"`: after the handler, before named tasks are stored and the response leaves. A database transaction that
   *   a task relies on belongs here: it is committed first, and if that fails nothing is stored.
   *
   * @defaultValue `"request"`
   */
  readonly scope?: "request" | "function";
  /** Whether a request solves it once and shares the value. `false`: each use solves it again. @defaultValue true */
  readonly cache?: boolean;
}

/** A class that stands for a value made by the framework. */
export type Token =
  | typeof BackgroundTasks
  | typeof Request
  | typeof AbortSignal
  | typeof Reply
  | typeof WebSocketConnection;

/** What a parameter may be declared as. */
export type Declaration = Source<unknown> | Dependency<unknown> | Token;

/** A record of declared parameters: the key is the name in the handler. */
export type Params = Readonly<Record<string, Declaration>>;

/** The value of one declaration. */
export type ValueOf<D> =
  D extends Source<infer T>
    ? T
    : D extends Dependency<infer T>
      ? T
      : D extends abstract new (...args: never[]) => infer T
        ? T
        : never;

/** The values of a record of declarations, as the handler gets them. With `& {}` editors and errors show these values. */
export type ValuesOf<P> = { readonly [K in keyof P]: ValueOf<P[K]> } & {};

/** What a dependency's function gives: what a generator yields, else what it returns or its promise resolves to. */
export type DependencyValue<R> =
  R extends AsyncGenerator<infer Y, unknown, unknown>
    ? Y
    : R extends Generator<infer Y, unknown, unknown>
      ? Y
      : Awaited<R>;

/** A value that is worked out once for a request from other declared values. Made by {@link dependency}. */
export class Dependency<T> {
  /** Carries the type only. */
  declare readonly "~value": T;
  readonly params: Params;
  readonly fn: (values: never) => unknown;
  readonly scope: "request" | "function";
  /** Whether the scope was written, or is the default. */
  readonly hasOwnScope: boolean;
  readonly cache: boolean;

  constructor(params: Params, fn: (values: never) => unknown, options: DependencyOptions) {
    this.params = params;
    this.fn = fn;
    this.scope = options.scope ?? "request";
    this.hasOwnScope = options.scope !== undefined;
    this.cache = options.cache ?? true;
  }

  get name(): string {
    return this.fn.name || "anonymous dependency";
  }
}

/**
 * Declares a value that endpoints and other dependencies can ask for.
 *
 * The function gets the values of `params` and may be synchronous, `async`, or a generator that yields the value once:
 * the code after `yield` is clean-up. An error of the request is thrown at the `yield`, innermost dependency first.
 *
 * @throws {DeclarationError} when the arguments are not of these shapes
 *
 * @example
 * ```ts
 * import { App, dependency, header, HTTPException } from "afterword";
 *
 * const getUser = dependency({ authorization: header() }, ({ authorization }) => {
 *   if (authorization !== "Bearer secret") throw new HTTPException(401);
 *   return { name: "Ada" };
 * });
 *
 * new App().get("/me", { user: getUser }, ({ user }) => user.name);
 * ```
 */
export function dependency<R>(fn: () => R): Dependency<DependencyValue<R>>;
export function dependency<const P extends Params, R>(
  params: P,
  fn: (values: ValuesOf<P>) => R,
): Dependency<DependencyValue<R>>;
export function dependency<const P extends Params, R>(
  options: DependencyOptions,
  params: P,
  fn: (values: ValuesOf<P>) => R,
): Dependency<DependencyValue<R>>;
export function dependency(...args: unknown[]): Dependency<unknown> {
  const fn = args.at(-1);
  const params = args.length > 1 ? args.at(-2) : {};
  const options = args.length > 2 ? args[0] : {};
  if (args.length > 3 || typeof fn !== "function" || !isRecord(params) || !isRecord(options))
    throw new DeclarationError(
      `dependency() expects (fn), (params, fn) or (options, params, fn), but got (${args.map((arg) => formatValue(arg, 40)).join(", ")}).`,
    );
  checkOptions(options, fn.name);
  return new Dependency(params as Params, fn as (values: never) => unknown, options);
}

function checkOptions(
  options: Record<string, unknown>,
  name: string,
): asserts options is DependencyOptions & Record<string, unknown> {
  for (const [key, value] of Object.entries(options)) {
    const isRight =
      key === "scope"
        ? value === "request" || value === "function" || value === undefined
        : key === "cache" && (typeof value === "boolean" || value === undefined);
    if (!isRight)
      throw new DeclarationError(
        `The options of dependency ${JSON.stringify(name)} are scope ("request" or "function") and cache (true or false), but got ${key}: ${formatValue(value)}.`,
      );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
