import type { TaskRequest } from "../../background/task-request.ts";
import { areRequestsClosed } from "../../internal/platform.ts";
import { createUuidV7 } from "../../internal/uuid-v7.ts";

/** The view that tasks have of a request; its id is the header `X-Request-Id` if it is sound. */
export function taskRequestOf(
  { method, url, headers }: { readonly method: string; readonly url: string; readonly headers: Headers },
  exchange: { readonly signal: AbortSignal },
): TaskRequest {
  const given = headers.get("x-request-id");
  const id = given !== null && /^[\w.:-]{1,128}$/.test(given) ? given : createUuidV7();
  return {
    id,
    method,
    url,
    headers: areRequestsClosed ? new Headers(headers) : headers,
    get signal() {
      return exchange.signal;
    },
  };
}
