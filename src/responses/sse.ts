import { DeclarationError } from "../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../internal/duration.ts";
import { formatValue } from "../internal/format-value.ts";
import { toByteStream } from "./byte-stream.ts";
import { createResponse } from "./create-response.ts";
import { sharedHeaders, type HeaderRecord } from "./headers.ts";
import { openSource, type Items } from "./item-source.ts";
import { keepAlive as keepAliveSource } from "./keep-alive.ts";
import type { ResponseOptions } from "./response-options.ts";
import { formatSseEvent, type SseEvent } from "./sse-event.ts";

/** What {@link sse} takes after its events. */
export interface SseOptions extends ResponseOptions {
  /**
   * After how long a silence a comment, `: ping`, is sent, so that proxies do not take the connection for dead, and the
   * server notices that the client has gone. `false`: never.
   *
   * @defaultValue `"15s"`
   */
  readonly keepAlive?: Duration | false | undefined;
}

const headers: HeaderRecord = sharedHeaders({
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  // Tells nginx to pass on each event at once.
  "x-accel-buffering": "no",
});
const encoder = new TextEncoder();
const ping: SseEvent = Object.freeze({ comment: "ping" });

/**
 * Streams server-sent events, for `new EventSource(url)` in the browser. Produced lazily, as by {@link stream}; when the
 * browser closes the connection, the generator is left at its `yield`.
 *
 * @throws {DeclarationError} when `keepAlive` is no duration. An event that cannot be sent (code `invalid_event`: a line
 *   break in `event` or `id`) breaks the connection, as a producer that throws does
 *
 * @example
 * ```ts
 * import { App, sse } from "afterword";
 * import { setTimeout } from "node:timers/promises";
 *
 * async function* ticks() {
 *   for (let n = 1; ; n++) {
 *     yield { event: "tick", id: String(n), data: { n } };
 *     await setTimeout(1_000);
 *   }
 * }
 *
 * new App().get("/ticks", () => sse(ticks()));
 * ```
 */
export function sse(content: Items<string | SseEvent>, init: SseOptions = {}): Response {
  const { keepAlive = "15s" } = init;
  const everyMs = keepAlive === false ? undefined : parseDuration(keepAlive, "keepAlive");
  if (everyMs === 0)
    throw new DeclarationError(
      `keepAlive must be longer than no time at all, but got ${formatValue(keepAlive)}. Write false for no pings.`,
    );
  const source = openSource(typeof content === "string" ? [content] : content);
  const pinged = everyMs === undefined ? source : keepAliveSource(source, everyMs, ping);
  return createResponse(
    toByteStream(pinged, (item) => encoder.encode(formatSseEvent(item as string | SseEvent))),
    headers,
    init,
  );
}
