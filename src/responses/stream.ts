import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { toByteStream } from "./byte-stream.ts";
import { createResponse } from "./create-response.ts";
import { sharedHeaders, type HeaderRecord } from "./headers.ts";
import { isNodeStream, openSource, type Items } from "./item-source.ts";
import { isReadableStream } from "./readable-stream.ts";
import type { ResponseOptions } from "./response-options.ts";

/** What can be streamed: strings, sent as UTF-8, and bytes, in any mixture. */
export type StreamContent = Items<string | Uint8Array>;

const textHeaders: HeaderRecord = sharedHeaders({ "content-type": "text/plain; charset=utf-8" });
const byteHeaders: HeaderRecord = sharedHeaders({ "content-type": "application/octet-stream" });
const encoder = new TextEncoder();

/**
 * A response that is sent while it is made, chunk by chunk. Endpoints may return an async iterable or a `ReadableStream`
 * for the same; this is for a status, headers or background of its own, and for synchronous iterables.
 *
 * The producer starts when the client reads, and never runs ahead of it. When the client goes away it is closed: a
 * generator is left at its `yield`, so its `finally` blocks run. (One that is waiting for something else just then
 * comes to its `finally` only after that: give what it waits for the request's `AbortSignal`.)
 *
 * A producer that throws breaks the connection, so that the client knows that it does not have everything: the status has
 * been sent long ago. The tasks of the request are dropped then, unless they were added with `when: "always"`.
 *
 * The Content-Type is `application/octet-stream` for a `ReadableStream` and a Node stream, which carry bytes as a rule, and
 * `text/plain; charset=utf-8` for everything else, since generators mostly yield text. Set the header where that is wrong.
 *
 * @example
 * ```ts
 * import { App, stream } from "afterword";
 *
 * async function* countdown() {
 *   for (let n = 3; n > 0; n--) yield `${n}\n`;
 * }
 *
 * new App().get("/countdown", () => stream(countdown(), { headers: { "cache-control": "no-store" } }));
 * ```
 */
export function stream(content: StreamContent, init: ResponseOptions = {}): Response {
  // Both are iterable themselves, letter by letter and number by number.
  const items = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
  const isBinary = isReadableStream(content) || isNodeStream(content) || content instanceof Uint8Array;
  return createResponse(toByteStream(openSource(items), encodeChunk), isBinary ? byteHeaders : textHeaders, init);
}

/** Whether a returned value is streamed, and not JSON: something asynchronous that has items, or a running generator. */
export function isStreamContent(value: object): value is StreamContent {
  return (
    Symbol.asyncIterator in value ||
    isReadableStream(value) ||
    (Symbol.iterator in value && typeof (value as Partial<Iterator<unknown>>).next === "function")
  );
}

function encodeChunk(chunk: unknown): Uint8Array<ArrayBuffer> {
  if (typeof chunk === "string") return encoder.encode(chunk);
  if (chunk instanceof Uint8Array) return chunk as Uint8Array<ArrayBuffer>;
  throw new AfterwordError(
    "invalid_chunk",
    `A stream consists of strings and Uint8Arrays, but its producer gave ${formatValue(chunk)}. For objects use jsonLines() or sse().`,
  );
}
