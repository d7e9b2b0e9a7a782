import { moveBackground } from "./attached-background.ts";

/** The same response with another body, or with headers that can be changed. What is attached to it moves over. */
export function copyResponse(response: Response, body: ReadableStream<Uint8Array> | null): Response {
  const { status, statusText, headers } = response;
  // The light class of @hono/node-server goes on with the very Headers it is given, immutable ones too.
  return moveBackground(response, new Response(body, { status, statusText, headers: new Headers(headers) }));
}
