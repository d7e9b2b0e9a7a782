import type { HonoRequest } from "hono";
import { AfterwordError } from "../internal/afterword-error.ts";
import { HTTPException } from "../internal/http-exception.ts";

/** The length that the headers tell; `undefined` for a chunked body, and where there may be none at all. */
export function declaredLength(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  return length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
}

/**
 * The whole body, empty if there is none.
 *
 * @param maxBytes - more is answered with 413; of a body that does not tell its length no more than this is read
 * @throws {HTTPException} 413, or 400 when the client goes away before the end
 */
export async function readBody(req: HonoRequest, maxBytes: number): Promise<Uint8Array> {
  const length = declaredLength(req.raw.headers);
  if (length !== undefined && length > maxBytes) throw tooLarge(maxBytes);
  if (length === undefined && !isCached(req)) return readChunks(await openBody(req), maxBytes);
  const bytes = await readWhole(req);
  if (bytes.byteLength > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

/** Whether any byte of a body comes, for a request whose headers do not say so. */
export async function hasBody(req: HonoRequest): Promise<boolean> {
  const reader = await openBody(req);
  for (;;) {
    const chunk = await readChunk(reader);
    if (chunk === undefined) return false;
    if (chunk.byteLength > 0) return true;
  }
}

/**
 * The body chunk by chunk. It is not canceled when the rest is not wanted: on Node that would cut the connection before
 * the answer has left.
 */
export async function openBody(req: HonoRequest): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  assertReadable(req);
  if (isCached(req)) return new Response((await readWhole(req)) as Uint8Array<ArrayBuffer>).body!.getReader();
  return (req.raw.body ?? new Blob().stream()).getReader();
}

/** The next chunk; `undefined` at the end. */
export async function readChunk(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value;
  } catch (error) {
    throw cutOff(error);
  }
}

async function readChunks(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const chunk = await readChunk(reader);
    if (chunk === undefined) return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes);
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
}

/** Through Hono, so that what a middleware has read through it can be read again. */
async function readWhole(req: HonoRequest): Promise<Uint8Array> {
  assertReadable(req);
  try {
    return new Uint8Array(await req.arrayBuffer());
  } catch (error) {
    throw cutOff(error);
  }
}

function isCached({ bodyCache }: HonoRequest): boolean {
  return Object.keys(bodyCache).length > 0;
}

/** What was read as FormData cannot be had as it came. */
function assertReadable(req: HonoRequest): void {
  const isLost = isCached(req) ? "formData" in req.bodyCache : req.raw.bodyUsed;
  if (isLost)
    throw new AfterwordError(
      "body_used",
      "The body of the request cannot be read, because a middleware has read it from the raw Request or as FormData. Let the middleware read it with c.req.json(), c.req.text() or c.req.arrayBuffer(), which keep it.",
    );
}

function tooLarge(maxBytes: number): HTTPException {
  return new HTTPException(413, `The body is larger than ${maxBytes} bytes.`, { connection: "close" });
}

function cutOff(cause: unknown): HTTPException {
  return new HTTPException(400, "The body of the request ended early.", {}, { cause });
}
