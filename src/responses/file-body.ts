import type { FileHandle } from "node:fs/promises";
import { AfterwordError } from "../internal/afterword-error.ts";
import type { ByteRange } from "./byte-range.ts";
import { noReadAhead } from "./byte-stream.ts";

/** How much is read at once. What fits is sent in one piece. */
const chunkBytes = 65_536;

/** The bytes of a part of a file: one chunk if it is small, else a stream. Closes the handle, at the end in any case. */
export async function readBody(
  handle: FileHandle,
  range: ByteRange,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> {
  if (range.length > chunkBytes) return streamRange(handle, range);
  try {
    const bytes = new Uint8Array(range.length);
    for (let offset = 0; offset < range.length;)
      offset += await readInto(handle, bytes.subarray(offset), range.start + offset);
    return bytes;
  } finally {
    await handle.close();
  }
}

function streamRange(handle: FileHandle, range: ByteRange): ReadableStream<Uint8Array> {
  let position = range.start;
  const end = range.start + range.length;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const bytes = new Uint8Array(Math.min(chunkBytes, end - position));
          const bytesRead = await readInto(handle, bytes, position);
          position += bytesRead;
          if (position === end) await handle.close();
          controller.enqueue(bytes.subarray(0, bytesRead));
          if (position === end) controller.close();
        } catch (error) {
          await handle.close();
          controller.error(error);
        }
      },
      // Waits for a read that is under way, as `close` does.
      cancel: () => handle.close(),
    },
    noReadAhead,
  );
}

async function readInto(handle: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, position);
  if (bytesRead > 0) return bytesRead;
  throw new AfterwordError(
    "file_changed",
    "A file became shorter while it was sent, so what its headers promised cannot be kept. Write a new file and rename it over the old one.",
  );
}
