let knownClass: unknown;
let cacheKey: symbol | undefined;

/**
 * Whether the body of a response is known to be no stream, without asking for `response.body`: that would make a stream of
 * it, and take \@hono/node-server's short way from it. `false` may also mean that it cannot be told.
 *
 * The lighter class of \@hono/node-server keeps `[status, body, headers]` under a symbol until somebody asks for more.
 */
export function isInMemory(response: Response): boolean {
  if (globalThis.Response !== knownClass) {
    knownClass = globalThis.Response;
    cacheKey = Object.getOwnPropertySymbols(new Response("")).find((symbol) => symbol.description === "cache");
  }
  if (cacheKey === undefined) return false;
  const cache = (response as unknown as Record<symbol, readonly unknown[] | undefined>)[cacheKey];
  if (!Array.isArray(cache)) return false;
  const body: unknown = cache[1];
  return body === null || typeof body === "string" || body instanceof Uint8Array || body instanceof Blob;
}
