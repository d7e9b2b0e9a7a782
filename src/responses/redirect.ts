import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { createResponse } from "./create-response.ts";
import type { ResponseOptions } from "./response-options.ts";

/** What {@link redirect} takes after the URL. */
export interface RedirectOptions extends ResponseOptions {
  /**
   * - 307 and 308: the same method and body again at the new place; 308 for good.
   * - 303: `GET` at the new place, for what follows a form.
   * - 301 and 302: as 308 and 307, but browsers turn a `POST` into a `GET`.
   *
   * @defaultValue 307, as in FastAPI
   */
  readonly status?: 301 | 302 | 303 | 307 | 308 | undefined;
}

const statuses: readonly unknown[] = [301, 302, 303, 307, 308];

/**
 * Sends the client to another URL. 307 by default, which repeats the method: write `{ status: 303 }` after a form.
 *
 * The URL may be relative. What may not stand in one is percent-encoded, what is encoded already stays; a backslash is
 * encoded too, since browsers take it for a slash. Where a URL comes from the user, check yourself that it stays on your
 * site: `//example.com` leads away.
 *
 * @throws {AfterwordError} with code `invalid_redirect` for a URL with a line break, which could add headers, and with
 *   `invalid_status` for a status that is no redirect
 *
 * @example
 * ```ts
 * import { App, redirect } from "afterword";
 *
 * const app = new App();
 * app.get("/old", () => redirect("/new", { status: 308 }));
 * app.post("/orders", () => redirect("/orders/7", { status: 303 }));
 * ```
 */
export function redirect(url: string | URL, init: RedirectOptions = {}): Response {
  const { status = 307 } = init;
  if (!statuses.includes(status))
    throw new AfterwordError(
      "invalid_status",
      `The status of redirect() must be 301, 302, 303, 307 or 308, but got ${formatValue(status)}.`,
    );
  return createResponse(null, { location: encodeLocation(String(url)) }, { ...init, status });
}

/** Everything but what a URL may contain (RFC 3986, section 2), `%` included because it may be encoded already. */
const mustBeEncoded = /[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]/gu;

function encodeLocation(url: string): string {
  if (/[\r\n]/.test(url))
    throw new AfterwordError(
      "invalid_redirect",
      `redirect(url) was given a URL with a line break, ${formatValue(url)}, which could add headers to the response. Encode the parts that come from outside with encodeURIComponent().`,
    );
  return url.toWellFormed().replaceAll(mustBeEncoded, encodeURIComponent);
}
