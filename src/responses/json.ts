import { createResponse } from "./create-response.ts";
import { sharedHeaders, type HeaderRecord } from "./headers.ts";
import { toJsonText } from "./json-text.ts";
import type { ResponseOptions } from "./response-options.ts";

const headers: HeaderRecord = sharedHeaders({ "content-type": "application/json" });
const ok: ResponseInit = Object.freeze({ status: 200, headers });

/**
 * A JSON response, `application/json`. Endpoints may return plain data for the same; this is for a status, headers or
 * background of its own.
 *
 * Written by `JSON.stringify`, so `toJSON()` methods are honored and `undefined` properties left out; `undefined` itself
 * is `null`. Never validated or stripped by the route's `response` schema.
 *
 * @throws {AfterwordError} with code `unserializable_response` for what JSON cannot take: a bigint, a function, an object
 *   that contains itself
 *
 * @example
 * ```ts
 * import { App, json } from "afterword";
 *
 * new App().post("/users", () => json({ id: 7 }, { status: 201, headers: { location: "/users/7" } }));
 * ```
 */
export function json(content: unknown, init?: ResponseOptions): Response {
  const text = toJsonText(content);
  return init === undefined ? new Response(text, ok) : createResponse(text, headers, init);
}
