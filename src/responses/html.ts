import { createResponse } from "./create-response.ts";
import { sharedHeaders, type HeaderRecord } from "./headers.ts";
import type { ResponseOptions } from "./response-options.ts";

const headers: HeaderRecord = sharedHeaders({ "content-type": "text/html; charset=utf-8" });
const ok: ResponseInit = Object.freeze({ status: 200, headers });

/**
 * An HTML response, `text/html; charset=utf-8`. Nothing is escaped: values of users go through a template that does it,
 * such as the tag `html` of `hono/html`, whose result may be passed here.
 *
 * @example
 * ```ts
 * import { App, html } from "afterword";
 *
 * new App().get("/", () => html("<h1>It works</h1>"));
 * ```
 */
export function html(content: string, init?: ResponseOptions): Response {
  // What `hono/html` makes is a String object.
  const body = String(content);
  return init === undefined ? new Response(body, ok) : createResponse(body, headers, init);
}
