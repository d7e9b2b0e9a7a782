import { parse } from "hono/utils/cookie";
import type { RequestScope } from "../dependencies/request-scope.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { readOptions } from "../params/declaration-arguments.ts";
import type { OptionChecks } from "../params/parameter-options.ts";
import { securityOptions, type Optional, type Required, type SecurityOptions } from "./security-options.ts";
import { SecurityParameter, toChallenge } from "./security-parameter.ts";

/** Options of {@link apiKey}. */
export interface ApiKeyOptions extends SecurityOptions {
  /** Where the key stands. A query ends up in logs: prefer a header. */
  readonly in: "header" | "query" | "cookie";
  /** The name of the header, the query parameter or the cookie, letter by letter. */
  readonly name: string;
}

const options: OptionChecks<ApiKeyOptions> = {
  ...securityOptions,
  in: {
    expected: '"header", "query" or "cookie"',
    accepts: (value) => value === "header" || value === "query" || value === "cookie",
  },
  name: {
    expected: "a name of letters, digits and signs such as - and _",
    // RFC 9110, section 5.6.2; the same holds for cookies (RFC 6265).
    accepts: (value) => typeof value === "string" && /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/.test(value),
  },
};

/**
 * Declares a key in a header, the query or a cookie. Its value is the key, which is for a dependency to check; a request
 * without one, or with an empty one, is answered with 401.
 *
 * @throws {DeclarationError} without `in` and `name`, for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { apiKey, App, dependency, HTTPException } from "afterword";
 *
 * const customers = new Map([["k-123", "Ada"]]);
 * const customer = dependency({ key: apiKey({ in: "header", name: "X-API-Key" }) }, ({ key }) => {
 *   const name = customers.get(key);
 *   if (name === undefined) throw new HTTPException(403, "Unknown key");
 *   return name;
 * });
 *
 * new App().get("/me", { customer }, ({ customer }) => ({ customer }));
 * ```
 */
export function apiKey(options: ApiKeyOptions & Optional): SecurityParameter<string | undefined>;
export function apiKey(options: ApiKeyOptions & Required): SecurityParameter<string>;
export function apiKey(given: ApiKeyOptions): SecurityParameter<string | undefined> {
  const own = readOptions("apiKey", given, options);
  const { in: place, name, description, schemeName = name } = own;
  if (place === undefined || name === undefined)
    throw new DeclarationError(
      'apiKey() expects where the key stands and under which name, as in apiKey({ in: "header", name: "X-API-Key" }).',
    );
  const read = readers[place];
  return new SecurityParameter(
    {
      schemeName: schemeName.replaceAll(/[^\w.-]/g, "_"),
      scheme: { type: "apiKey", in: place, name, ...(description !== undefined && { description }) },
      scopes: [],
      challenge: toChallenge("ApiKey", { in: place, name }),
      read: (scope) => read(scope, name) || undefined,
    },
    own,
  );
}

const readers: Readonly<Record<ApiKeyOptions["in"], (scope: RequestScope, name: string) => string | null | undefined>> =
  {
    header: ({ req }, name) => req.raw.headers.get(name),
    query: ({ req }, name) => req.query(name),
    cookie: ({ req }, name) => parse(req.raw.headers.get("cookie") ?? "", name)[name],
  };
