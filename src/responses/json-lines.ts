import { toByteStream } from "./byte-stream.ts";
import { createResponse } from "./create-response.ts";
import { sharedHeaders, type HeaderRecord } from "./headers.ts";
import { openSource, type Items } from "./item-source.ts";
import { toJsonText } from "./json-text.ts";
import type { ResponseOptions } from "./response-options.ts";

const headers: HeaderRecord = sharedHeaders({ "content-type": "application/jsonl" });
const encoder = new TextEncoder();

/**
 * Streams values as JSON Lines, `application/jsonl`: one JSON text on each line. Produced lazily, as by {@link stream}: good
 * for results that do not fit into memory.
 *
 * A value that JSON cannot take breaks the connection, as a producer that throws does.
 *
 * @example
 * ```ts
 * import { App, jsonLines } from "afterword";
 *
 * async function* users() {
 *   for (let id = 1; id <= 1_000_000; id++) yield { id };
 * }
 *
 * new App().get("/users", () => jsonLines(users()));
 * ```
 */
export function jsonLines(content: Items<unknown>, init: ResponseOptions = {}): Response {
  return createResponse(
    toByteStream(openSource(content), (item) => encoder.encode(`${toJsonText(item)}\n`)),
    headers,
    init,
  );
}
