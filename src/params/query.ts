import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { RequestScope } from "../dependencies/request-scope.ts";
import type { BoundSource } from "../dependencies/source.ts";
import { BoundText } from "./bound-text.ts";
import { readArguments } from "./declaration-arguments.ts";
import { namedParameterOptions, type NamedParameterOptions } from "./parameter-options.ts";
import { Parameter } from "./parameter.ts";
import { lastQueryValue } from "./query-string.ts";

/** A value of the query string, declared with {@link query}. */
export class QueryParameter<T> extends Parameter<T, NamedParameterOptions> {
  readonly place = "query";

  bind(key: string): BoundSource {
    return new BoundQuery(this, this.options.alias ?? key);
  }
}

class BoundQuery extends BoundText {
  read(scope: RequestScope): unknown {
    if (this.coercion.wantsList) return this.acceptList(scope, scope.req.queries(this.name));
    return this.acceptOne(scope, lastQueryValue(scope.req.url, this.name));
  }
}

/**
 * Declares a value of the query string: `q` in `?q=tea`.
 *
 * Without a schema it is the text, `undefined` when it is absent. With a schema, text becomes a number, a boolean
 * (`1 true on yes t y`, `0 false off no f n`) or a list first where the schema takes these and no text. A list has the
 * values of every `?tag=a&tag=b`; else the last one counts. `?q=` is the empty text, not an absent one. What the schema
 * refuses is answered with 422.
 *
 * @throws {DeclarationError} when the arguments are not of these shapes
 *
 * @example
 * ```ts
 * import { App, query } from "afterword";
 * import * as z from "zod";
 *
 * new App().get(
 *   "/items",
 *   { q: query(), limit: query(z.int().max(100).default(10)), tags: query(z.array(z.string()).default([]), { alias: "tag" }) },
 *   ({ q, limit, tags }) => ({ q, limit, tags }),
 * );
 * ```
 */
export function query<S extends StandardSchemaV1>(
  schema: S,
  options?: NamedParameterOptions,
): QueryParameter<StandardSchemaV1.InferOutput<S>>;
export function query(options?: NamedParameterOptions): QueryParameter<string | undefined>;
export function query(...args: unknown[]): QueryParameter<unknown> {
  return new QueryParameter(readArguments("query", args, namedParameterOptions));
}
