import { readOptions } from "../params/declaration-arguments.ts";
import type { OptionChecks } from "../params/parameter-options.ts";
import { quotable, securityOptions, type Optional, type Required, type SecurityOptions } from "./security-options.ts";
import { readAuthorization, SecurityParameter, toChallenge } from "./security-parameter.ts";

/** Options of {@link basic}. */
export interface BasicOptions extends SecurityOptions {
  /** What browsers show when they ask for the password. @defaultValue `"Restricted"` */
  readonly realm?: string;
}

/** A name and a password, not checked yet. */
export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

const options: OptionChecks<BasicOptions> = { ...securityOptions, realm: quotable };

/**
 * Declares a name and a password in the header `Authorization: Basic …` (RFC 7617, in UTF-8). They are for a dependency to
 * check; a request without them is answered with 401 and a challenge, at which browsers ask for them.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { App, basic, constantTimeEqual, dependency, HTTPException } from "afterword";
 *
 * const currentUser = dependency({ credentials: basic() }, ({ credentials: { username, password } }) => {
 *   const isRight = constantTimeEqual(username, "ada") && constantTimeEqual(password, "lovelace");
 *   if (!isRight) throw new HTTPException(401, "Wrong name or password", { "www-authenticate": "Basic" });
 *   return username;
 * });
 *
 * new App().get("/me", { user: currentUser }, ({ user }) => ({ user }));
 * ```
 */
export function basic(options: BasicOptions & Optional): SecurityParameter<BasicCredentials | undefined>;
export function basic(options?: BasicOptions & Required): SecurityParameter<BasicCredentials>;
export function basic(given?: BasicOptions): SecurityParameter<BasicCredentials | undefined> {
  const own = readOptions("basic", given, options);
  const { description, schemeName = "basic", realm = "Restricted" } = own;
  return new SecurityParameter(
    {
      schemeName,
      scheme: { type: "http", scheme: "basic", ...(description !== undefined && { description }) },
      scopes: [],
      challenge: toChallenge("Basic", { realm, charset: "UTF-8" }),
      read: (scope) => parseCredentials(readAuthorization(scope, "basic")),
    },
    own,
  );
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** `undefined` for what is not base64 of UTF-8 text with a colon. */
function parseCredentials(text: string | undefined): BasicCredentials | undefined {
  if (text === undefined || !/^[\w+/-]+={0,2}$/.test(text)) return undefined;
  let decoded: string;
  try {
    decoded = utf8.decode(Buffer.from(text, "base64"));
  } catch {
    return undefined;
  }
  const colon = decoded.indexOf(":");
  return colon < 0 ? undefined : { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
