import { createResponse } from "./create-response.ts";
import { sharedHeaders, type HeaderRecord } from "./headers.ts";
import type { ResponseOptions } from "./response-options.ts";

const headers: HeaderRecord = sharedHeaders({ "content-type": "text/plain; charset=utf-8" });
const ok: ResponseInit = Object.freeze({ status: 200, headers });

/**
 * A plain text response, `text/plain; charset=utf-8`. (A string that an endpoint returns as it is becomes JSON.)
 *
 * @example
 * ```ts
 * import { App, text } from "afterword";
 *
 * new App().get("/robots.txt", () => text("User-agent: *\nDisallow: /\n"));
 * ```
 */
export function text(content: string, init?: ResponseOptions): Response {
  const body = String(content);
  return init === undefined ? new Response(body, ok) : createResponse(body, headers, init);
}
