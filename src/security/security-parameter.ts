import type { RequestScope } from "../dependencies/request-scope.ts";
import { Source, type BoundSource } from "../dependencies/source.ts";
import { HTTPException } from "../internal/http-exception.ts";
import type { SecurityOptions } from "./security-options.ts";

/** A security scheme of OpenAPI 3.1.1, section 4.8.27. */
export type SecurityScheme = { readonly type: string; readonly [key: string]: unknown };

/** How a request says who it is from, and how that is read. */
export interface SecurityKind<T> {
  readonly schemeName: string;
  readonly scheme: SecurityScheme;
  /** What a client must have been granted. */
  readonly scopes: readonly string[];
  /** The `WWW-Authenticate` of the refusal. RFC 9110, section 11.6.1. */
  readonly challenge: string;
  /** The credentials; `undefined` if there are none, or what is there cannot be read. */
  read(scope: RequestScope): T | undefined;
}

/** Credentials of a request, declared with `bearer()`, `basic()`, `apiKey()` or `oauth2Password()`. */
export class SecurityParameter<T> extends Source<T> {
  readonly place = "security";
  readonly kind: SecurityKind<unknown>;
  readonly options: SecurityOptions;

  constructor(kind: SecurityKind<unknown>, options: SecurityOptions) {
    super();
    this.kind = kind;
    this.options = options;
  }

  bind(key: string): BoundSource {
    const { kind, options } = this;
    return {
      place: "security",
      name: kind.schemeName,
      source: this,
      label: `security ${JSON.stringify(key)}`,
      read(scope) {
        const credentials = kind.read(scope);
        if (credentials !== undefined || options.optional) return credentials;
        throw new HTTPException(401, "Not authenticated", { "www-authenticate": kind.challenge });
      },
    };
  }
}

/** What follows the name of an authentication scheme in `Authorization`. RFC 9110, section 11.4. */
export function readAuthorization(scope: RequestScope, scheme: string): string | undefined {
  const text = scope.req.raw.headers.get("authorization");
  if (text === null || text.length <= scheme.length || text.charCodeAt(scheme.length) !== 32) return undefined;
  if (text.slice(0, scheme.length).toLowerCase() !== scheme) return undefined;
  const credentials = text.slice(scheme.length + 1).trim();
  return credentials === "" ? undefined : credentials;
}

/** A challenge with its parameters: `Bearer realm="api"`. */
export function toChallenge(scheme: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const list = Object.entries(parameters)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name}="${value}"`);
  return list.length === 0 ? scheme : `${scheme} ${list.join(", ")}`;
}
