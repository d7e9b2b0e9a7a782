import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { RequestScope } from "../dependencies/request-scope.ts";
import type { BoundSource } from "../dependencies/source.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { BoundText } from "./bound-text.ts";
import { readArguments } from "./declaration-arguments.ts";
import { namedParameterOptions, type NamedParameterOptions } from "./parameter-options.ts";
import { Parameter } from "./parameter.ts";

/** A header, declared with {@link header}. */
export class HeaderParameter<T> extends Parameter<T, NamedParameterOptions> {
  readonly place = "header";

  bind(key: string): BoundSource {
    const name = this.options.alias ?? toHeaderName(key);
    if (!tokenPattern.test(name))
      throw new DeclarationError(
        `header() expects the name of a header, of letters, digits and hyphens, but got ${JSON.stringify(name)}. Give its name with { alias: "…" }.`,
      );
    return new BoundHeader(this, name);
  }
}

class BoundHeader extends BoundText {
  read(scope: RequestScope): unknown {
    const text = scope.req.raw.headers.get(this.name) ?? undefined;
    // Repeated headers arrive as one, joined with commas, and mean the same as one (RFC 9110, section 5.3).
    if (this.coercion.wantsList) return this.acceptList(scope, text?.split(",").map(trim).filter(isNotEmpty));
    return this.acceptOne(scope, text);
  }
}

/** RFC 9110, section 5.6.2. */
const tokenPattern = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;

/** The header that a key stands for: `userAgent` → `user-agent`, `x_token` → `x-token`, `ifNoneMatch` → `if-none-match`. */
export function toHeaderName(key: string): string {
  return key
    .replaceAll("_", "-")
    .replaceAll(/([a-z\d])([A-Z])/g, "$1-$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();
}

function trim(text: string): string {
  return text.trim();
}

function isNotEmpty(text: string): boolean {
  return text !== "";
}

/**
 * Declares a header.
 *
 * The key in the record says which: `userAgent` and `user_agent` are `User-Agent`. An `alias` is taken letter by letter
 * instead. Without a schema it is the text, `undefined` when it is absent. With a schema, text becomes a number or a
 * boolean first where the schema takes these and no text; for a list it is split at commas. What the schema refuses is
 * answered with 422.
 *
 * @throws {DeclarationError} when the arguments are not of these shapes, or the name cannot be that of a header
 *
 * @example
 * ```ts
 * import { App, header } from "afterword";
 *
 * new App().get("/agent", { userAgent: header(), token: header({ alias: "X-Token", secret: true }) }, ({ userAgent, token }) => ({
 *   userAgent,
 *   isKnown: token === "secret",
 * }));
 * ```
 */
export function header<S extends StandardSchemaV1>(
  schema: S,
  options?: NamedParameterOptions,
): HeaderParameter<StandardSchemaV1.InferOutput<S>>;
export function header(options?: NamedParameterOptions): HeaderParameter<string | undefined>;
export function header(...args: unknown[]): HeaderParameter<unknown> {
  return new HeaderParameter(readArguments("header", args, namedParameterOptions));
}
