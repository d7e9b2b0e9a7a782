import { brotliDecompressSync, unzipSync, zstdDecompressSync } from "node:zlib";
import { parsePythonJson, type JsonValue } from "./json.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

/** A body is refused that has more bytes than this when it is unpacked. */
export const maxBodyBytes: number = 16 * 1_024 * 1_024;

/** What is said about the bytes of a body. */
export interface ContentDescription {
  readonly contentType: unknown;
  readonly contentEncoding: unknown;
  readonly compression: unknown;
}

/**
 * The JSON value that bytes stand for. Only JSON is read: pickle runs the code of whoever sent it, and other formats are
 * nothing that Celery sends unless it is told to.
 *
 * @param what - what the bytes are, as it should stand in the error: `"The body"`
 * @throws {UndecodableMessage}
 */
export function decodeContent(bytes: Uint8Array, description: ContentDescription, what: string): JsonValue {
  assertJson(description.contentType, what);
  const unpacked = unpack(bytes, description.compression, what);
  if (unpacked.byteLength > maxBodyBytes) throw tooLarge(what);
  return parsePythonJson(decodeText(unpacked, description.contentEncoding, what), what);
}

function assertJson(contentType: unknown, what: string): void {
  if (contentType === undefined || contentType === null) return;
  if (typeof contentType === "string" && /^application\/json(?:;|$)/i.test(contentType.trim())) return;
  throw new UndecodableMessage(
    "unsupported_content",
    `${what} is ${shown(contentType)}, and only application/json is read. Set task_serializer and result_serializer of the sender to "json".`,
  );
}

/** By the names that kombu writes, and its aliases (kombu/compression.py). What it calls gzip is a zlib stream. */
const unpackers: Readonly<Record<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer>> = {
  "application/x-gzip": unzipSync,
  gzip: unzipSync,
  zlib: unzipSync,
  "application/x-brotli": brotliDecompressSync,
  brotli: brotliDecompressSync,
  "application/zstd": zstdDecompressSync,
  zstd: zstdDecompressSync,
};

function unpack(bytes: Uint8Array, compression: unknown, what: string): Uint8Array {
  if (compression === undefined || compression === null || compression === "") return bytes;
  const unpacker =
    typeof compression === "string" && Object.hasOwn(unpackers, compression) ? unpackers[compression] : undefined;
  if (unpacker === undefined)
    throw new UndecodableMessage(
      "unsupported_compression",
      `${what} is compressed with ${shown(compression)}, and only gzip, brotli and zstd are read.`,
    );
  try {
    return unpacker(bytes, { maxOutputLength: maxBodyBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(what);
    throw new UndecodableMessage("invalid_compression", `${what} cannot be unpacked: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/** Python's names of encodings that the rest of the world calls otherwise. */
const encodings: Readonly<Record<string, string>> = { "": "utf-8", binary: "utf-8", "latin-1": "latin1" };

function decodeText(bytes: Uint8Array, encoding: unknown, what: string): string {
  const name = encoding ?? "utf-8";
  try {
    if (typeof name !== "string") throw new TypeError("the name of an encoding is a string");
    const label = name.replaceAll("_", "-");
    return new TextDecoder(Object.hasOwn(encodings, label) ? encodings[label] : label, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UndecodableMessage("invalid_encoding", `${what} is not the text that it says it is: ${shown(name)}.`, {
      cause: error,
    });
  }
}

function tooLarge(what: string): UndecodableMessage {
  return new UndecodableMessage("too_large", `${what} has more than ${maxBodyBytes} bytes when it is unpacked.`);
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : `of type ${typeof value}`;
}
