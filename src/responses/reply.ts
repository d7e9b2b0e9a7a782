import { formatCookie, formatExpiredCookie, type CookieOptions } from "./cookie.ts";
import { copyResponse } from "./copy-response.ts";
import { assertStatus } from "./status.ts";

/**
 * What the response will have beside its body. Declare it as a parameter of an endpoint or a dependency: there is one for
 * each request, the same everywhere in it.
 *
 * Headers and cookies are set on whatever the endpoint returns; the status counts for returned data only, since a returned
 * `Response` has one. Nothing of it is sent when the request fails.
 *
 * @example
 * ```ts
 * import { App, Reply } from "afterword";
 *
 * new App().post("/login", { reply: Reply }, ({ reply }) => {
 *   reply.status = 201;
 *   reply.headers.set("cache-control", "no-store");
 *   reply.setCookie("session", "s3cr3t", { httpOnly: true, secure: true, sameSite: "Lax" });
 *   return { welcome: true };
 * });
 * ```
 */
export class Reply {
  #status: number | undefined = undefined;
  #headers: Headers | undefined = undefined;

  /**
   * The status for returned data, 200 to 599; `undefined` is the route's own.
   *
   * @throws {AfterwordError} with code `invalid_status` when set to anything else
   */
  get status(): number | undefined {
    return this.#status;
  }

  set status(status: number | undefined) {
    if (status !== undefined) assertStatus(status);
    this.#status = status;
  }

  /** The headers to set. They replace those of the same name that the response has; each `set-cookie` is added. */
  get headers(): Headers {
    return (this.#headers ??= new Headers());
  }

  /**
   * Sets a cookie. The value may be any text: it is percent-encoded, and `cookie()` decodes it.
   *
   * @throws {AfterwordError} with code `invalid_cookie` for a name or attribute that browsers would refuse
   */
  setCookie(name: string, value: string, options: CookieOptions = {}): void {
    this.headers.append("set-cookie", formatCookie(name, value, options));
  }

  /** Makes the browser forget a cookie. `path` and `domain` must be those it was set with. */
  deleteCookie(name: string, options: CookieOptions = {}): void {
    this.headers.append("set-cookie", formatExpiredCookie(name, options));
  }

  /** The headers if there may be some: asking for `headers` makes them. */
  static headersOf(reply: Reply): Headers | undefined {
    return reply.#headers;
  }
}

/**
 * Sets the headers and cookies of a reply on a response.
 *
 * @returns the same response; a copy if its headers cannot be changed, as with those of `fetch` and `Response.redirect`
 */
export function applyReply(reply: Reply, response: Response): Response {
  const headers = Reply.headersOf(reply);
  if (headers === undefined) return response;
  try {
    setAll(response.headers, headers);
    return response;
  } catch (error) {
    // Immutable headers refuse the first change already.
    if (!(error instanceof TypeError)) throw error;
    const copy = copyResponse(response, response.body);
    setAll(copy.headers, headers);
    return copy;
  }
}

function setAll(target: Headers, headers: Headers): void {
  for (const [name, value] of headers) {
    if (name === "set-cookie") target.append(name, value);
    else target.set(name, value);
  }
}
