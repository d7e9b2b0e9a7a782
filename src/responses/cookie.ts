import { serialize } from "hono/utils/cookie";
import { AfterwordError } from "../internal/afterword-error.ts";

/** The attributes of a cookie (RFC 6265, section 4.1.2). */
export interface CookieOptions {
  /** Sent for this path and those below. @defaultValue `"/"` */
  readonly path?: string | undefined;
  /** Sent to this host and its subdomains. @defaultValue the host of the request alone */
  readonly domain?: string | undefined;
  /** Seconds until it is forgotten; at most 400 days, as browsers have it. @defaultValue until the browser is closed */
  readonly maxAge?: number | undefined;
  /** When it is forgotten, if there is no `maxAge`. */
  readonly expires?: Date | undefined;
  /** Hidden from scripts in the page. @defaultValue false */
  readonly httpOnly?: boolean | undefined;
  /** Sent over HTTPS only. @defaultValue false */
  readonly secure?: boolean | undefined;
  /** Whether it goes along with requests from other sites. `"None"` needs `secure`. @defaultValue `"Lax"` to most browsers */
  readonly sameSite?: "Strict" | "Lax" | "None" | undefined;
  /** Which cookies a browser keeps when it has too many. */
  readonly priority?: "Low" | "Medium" | "High" | undefined;
  /** A jar of its own for each site that embeds this one (CHIPS); needs `secure`. @defaultValue false */
  readonly partitioned?: boolean | undefined;
}

/**
 * A `Set-Cookie` line; the value is percent-encoded.
 *
 * @throws {AfterwordError} with code `invalid_cookie`
 */
export function formatCookie(name: string, value: string, options: CookieOptions): string {
  const given = Object.fromEntries(Object.entries(options).filter(([, option]) => option !== undefined));
  try {
    return serialize(name, value, { path: "/", ...given });
  } catch (error) {
    throw new AfterwordError(
      "invalid_cookie",
      `Cookie ${JSON.stringify(name)} cannot be set: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

/** A `Set-Cookie` line that makes the browser forget a cookie. */
export function formatExpiredCookie(name: string, options: CookieOptions): string {
  return formatCookie(name, "", { ...options, maxAge: 0, expires: new Date(0) });
}
