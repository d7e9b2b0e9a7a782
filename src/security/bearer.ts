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

/** Options of {@link bearer}. */
export interface BearerOptions extends SecurityOptions {
  /** What the token is, for readers of the document: `"JWT"`. */
  readonly format?: string;
  /** Said in the challenge of a 401. */
  readonly realm?: string;
}

const options: OptionChecks<BearerOptions> = { ...securityOptions, format: someText, realm: quotable };

/**
 * Declares a token in the header `Authorization: Bearer …` (RFC 6750). Its value is the token, which is for a dependency to
 * check; a request without one is answered with 401 and a challenge before any handler runs.
 *
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { App, bearer, constantTimeEqual, dependency, HTTPException } from "afterword";
 *
 * const admin = dependency({ token: bearer() }, ({ token }) => {
 *   if (!constantTimeEqual(token, process.env.ADMIN_TOKEN ?? "")) throw new HTTPException(403, "Wrong token");
 * });
 *
 * new App().delete("/cache", { dependencies: [admin] }, {}, () => ({ cleared: true }));
 * ```
 */
export function bearer(options: BearerOptions & Optional): SecurityParameter<string | undefined>;
export function bearer(options?: BearerOptions & Required): SecurityParameter<string>;
export function bearer(given?: BearerOptions): SecurityParameter<string | undefined> {
  const own = readOptions("bearer", given, options);
  const { format, description, schemeName = "bearer", realm } = own;
  return new SecurityParameter(
    {
      schemeName,
      scheme: {
        type: "http",
        scheme: "bearer",
        ...(format !== undefined && { bearerFormat: format }),
        ...(description !== undefined && { description }),
      },
      scopes: [],
      challenge: toChallenge("Bearer", { realm }),
      read: (scope) => readAuthorization(scope, "bearer"),
    },
    own,
  );
}
