import type { HeadersInput } from "../internal/platform.ts";
import { isResponse } from "../internal/platform.ts";
import { moveBackground } from "./attached-background.ts";
import { isDeferred, type DeferredResponse } from "./deferred.ts";
import { json } from "./json.ts";
import { isStreamContent, stream } from "./stream.ts";

/** The status and headers of a response that is made from returned data. A returned `Response` has its own. */
export interface DataInit {
  readonly status: number;
  readonly headers?: HeadersInput | undefined;
}

/**
 * The response for what a handler returned: a `Response` is itself (rendered, if it had to wait for that), what has
 * asynchronous items is streamed, all else is JSON. A promise only if something must be rendered.
 *
 * @throws {AfterwordError} with code `unserializable_response`
 */
export function toResponse(
  value: unknown,
  init: DataInit,
  request: Request,
  locateJob?: (id: string) => string | undefined,
): Response | Promise<Response> {
  if (typeof value === "object" && value !== null) {
    if (isResponse(value)) return isDeferred(value) ? render(value, request, locateJob) : value;
    if (isStreamContent(value)) return stream(value, init);
  }
  return init.status === 200 && init.headers === undefined ? json(value) : json(value, init);
}

async function render(
  response: DeferredResponse,
  request: Request,
  locateJob: ((id: string) => string | undefined) | undefined,
): Promise<Response> {
  return moveBackground(response, await response.render(request, locateJob));
}
