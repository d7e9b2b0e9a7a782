import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { readOptions } from "../params/declaration-arguments.ts";
import type { OptionChecks } from "../params/parameter-options.ts";
import {
  quotable,
  securityOptions,
  someText,
  type Optional,
  type Required,
  type SecurityOptions,
} from "./security-options.ts";
import { readAuthorization, SecurityParameter, toChallenge } from "./security-parameter.ts";

/** Options of {@link oauth2Password}. */
export interface OAuth2PasswordOptions<Scope extends string = string> extends SecurityOptions {
  /** Where clients get a token for a name and a password: absolute, or relative to the app (`"token"`). */
  readonly tokenUrl: string;
  /** Where they get another for a refresh token. */
  readonly refreshUrl?: string;
  /** What a token may allow, each with a sentence for people. */
  readonly scopes?: Readonly<Record<Scope, string>>;
  /** Said in the challenge of a 401. */
  readonly realm?: string;
}

const optionChecks: OptionChecks<OAuth2PasswordOptions> = {
  ...securityOptions,
  tokenUrl: someText,
  refreshUrl: someText,
  realm: quotable,
  scopes: {
    expected: 'an object such as { "items:read": "Read items" }, whose keys are names without spaces and quotes',
    accepts: (value) =>
      typeof value === "object" &&
      value !== null &&
      // RFC 6749, section 3.3.
      Object.entries(value).every(
        ([name, text]) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(name) && typeof text === "string",
      ),
  },
};

/** A token by OAuth 2's password flow, declared with {@link oauth2Password}. */
export class OAuth2PasswordParameter<T, Scope extends string = string> extends SecurityParameter<T> {
  readonly #options: OAuth2PasswordOptions<Scope>;

  constructor(options: OAuth2PasswordOptions<Scope>, scopes: readonly Scope[]) {
    const { tokenUrl, refreshUrl, scopes: known = {}, description, schemeName = "oauth2Password", realm } = options;
    super(
      {
        schemeName,
        scheme: {
          type: "oauth2",
          flows: { password: { tokenUrl, ...(refreshUrl !== undefined && { refreshUrl }), scopes: { ...known } } },
          ...(description !== undefined && { description }),
        },
        scopes,
        challenge: toChallenge("Bearer", { realm, scope: scopes.join(" ") }),
        read: (scope) => readAuthorization(scope, "bearer"),
      },
      options,
    );
    this.#options = options;
  }

  /**
   * A copy that demands these scopes in the document and in the challenge. Whether the token has them is for the dependency
   * to check, which knows how to read it.
   *
   * @throws {DeclarationError} for a scope that was not declared
   */
  withScopes(...scopes: readonly Scope[]): OAuth2PasswordParameter<T, Scope> {
    const known = Object.keys(this.#options.scopes ?? {});
    const unknown = scopes.find((scope) => !known.includes(scope));
    if (unknown !== undefined)
      throw new DeclarationError(
        `withScopes() expects scopes that oauth2Password() declares (${known.join(", ") || "it declares none"}), but got ${formatValue(unknown)}.`,
      );
    return new OAuth2PasswordParameter<T, Scope>(this.#options, [
      ...new Set([...this.kind.scopes, ...scopes]),
    ] as Scope[]);
  }
}

/**
 * Declares a bearer token that clients get for a name and a password at `tokenUrl` (OAuth 2, RFC 6749, section 4.3): the
 * "Authorize" button of `/docs` does it. Its value is the token, which is for a dependency to check; a request without one
 * is answered with 401.
 *
 * @throws {DeclarationError} without a `tokenUrl`, for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { App, dependency, oauth2Password } from "afterword";
 *
 * const oauth = oauth2Password({ tokenUrl: "token", scopes: { "items:read": "Read items" } });
 * const reader = dependency({ token: oauth.withScopes("items:read") }, ({ token }) => ({ name: token }));
 *
 * new App().get("/items", { user: reader }, ({ user }) => [{ owner: user.name }]);
 * ```
 */
export function oauth2Password<const Scope extends string = never>(
  options: OAuth2PasswordOptions<Scope> & Optional,
): OAuth2PasswordParameter<string | undefined, Scope>;
export function oauth2Password<const Scope extends string = never>(
  options: OAuth2PasswordOptions<Scope> & Required,
): OAuth2PasswordParameter<string, Scope>;
export function oauth2Password<const Scope extends string>(
  options: OAuth2PasswordOptions<Scope>,
): OAuth2PasswordParameter<string | undefined, Scope> {
  const own = readOptions("oauth2Password", options, optionChecks as OptionChecks<OAuth2PasswordOptions<Scope>>);
  if (own.tokenUrl === undefined)
    throw new DeclarationError(
      'oauth2Password() expects where tokens are given out: oauth2Password({ tokenUrl: "token" }).',
    );
  return new OAuth2PasswordParameter<string | undefined, Scope>(own, []);
}
