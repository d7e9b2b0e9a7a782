import { discardStream, isReadableStream } from "./readable-stream.ts";
import { mergeHeaders, type HeaderRecord } from "./headers.ts";
import type { ResponseOptions } from "./response-options.ts";
import { assertStatus, isNullBodyStatus } from "./status.ts";
import { withBackground } from "./with-background.ts";

/** A body that \@hono/node-server writes without detours. */
export type ResponseBody = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;

/**
 * A response of the global class as it is now: \@hono/node-server replaces it when it listens.
 *
 * @param defaults - headers for what `init` does not set. Where the status allows no body, none of those that describe one
 */
export function createResponse(body: ResponseBody, defaults: HeaderRecord, init: ResponseOptions): Response {
  const { status = 200, headers, background } = init;
  assertStatus(status);
  let response: Response;
  if (isNullBodyStatus(status)) {
    if (isReadableStream(body)) discardStream(body);
    response = new Response(null, { status, headers: mergeHeaders(withoutContent(defaults), headers) });
  } else response = new Response(body, { status, headers: mergeHeaders(defaults, headers) });
  return background === undefined ? response : withBackground(response, background);
}

function withoutContent(headers: HeaderRecord): HeaderRecord {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("content-")));
}
