import type { StandardSchemaV1 } from "@standard-schema/spec";
import { parse } from "hono/utils/cookie";
import type { RequestScope } from "../dependencies/request-scope.ts";
import type { BoundSource } from "../dependencies/source.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { BoundText } from "./bound-text.ts";
import { readArguments } from "./declaration-arguments.ts";
import { namedParameterOptions, type NamedParameterOptions } from "./parameter-options.ts";
import { Parameter } from "./parameter.ts";

/** A cookie, declared with {@link cookie}. */
export class CookieParameter<T> extends Parameter<T, NamedParameterOptions> {
  readonly place = "cookie";

  bind(key: string): BoundSource {
    const name = this.options.alias ?? key;
    if (!namePattern.test(name))
      throw new DeclarationError(
        `cookie() expects the name of a cookie, without spaces, quotes and the signs , ; = \\, but got ${JSON.stringify(name)}. Give its name with { alias: "…" }.`,
      );
    return new BoundCookie(this, name);
  }
}

class BoundCookie extends BoundText {
  read(scope: RequestScope): unknown {
    const text = readCookie(scope.req.raw.headers.get("cookie"), this.name);
    return this.coercion.wantsList && text !== undefined ? this.acceptList(scope, [text]) : this.acceptOne(scope, text);
  }
}

/** What Hono's parser finds: printable ASCII but spaces and `" , ; = \`. */
const namePattern = /^[!#-+\--:<>-[\]-~]+$/;

function readCookie(header: string | null, name: string): string | undefined {
  if (header === null) return undefined;
  const found = parse(header, name);
  // It may be an ordinary object, which has a "constructor".
  return Object.hasOwn(found, name) ? found[name] : undefined;
}

/**
 * Declares a cookie.
 *
 * Without a schema it is the text, `undefined` when it is absent. With a schema, text becomes a number or a boolean first
 * where the schema takes these and no text, and what the schema refuses is answered with 422. Of two cookies of one name
 * the first counts, which is the one of the longer path.
 *
 * @throws {DeclarationError} when the arguments are not of these shapes, or the name cannot be that of a cookie
 *
 * @example
 * ```ts
 * import { App, cookie } from "afterword";
 * import * as z from "zod";
 *
 * new App().get("/me", { session: cookie(z.uuid(), { secret: true }), theme: cookie() }, ({ session, theme }) => ({
 *   session,
 *   theme: theme ?? "light",
 * }));
 * ```
 */
export function cookie<S extends StandardSchemaV1>(
  schema: S,
  options?: NamedParameterOptions,
): CookieParameter<StandardSchemaV1.InferOutput<S>>;
export function cookie(options?: NamedParameterOptions): CookieParameter<string | undefined>;
export function cookie(...args: unknown[]): CookieParameter<unknown> {
  return new CookieParameter(readArguments("cookie", args, namedParameterOptions));
}
