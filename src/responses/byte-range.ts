/** A part of a file: `length` bytes from `start`. */
export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * What a `Range` header asks for (RFC 9110, section 14.1.2).
 *
 * @returns `undefined` for the whole: the header is absent, malformed, of another unit, or wants several parts, which a
 *   server may ignore; `"unsatisfiable"` when nothing of it lies in the file
 */
export function parseRange(header: string | null, size: number): ByteRange | "unsatisfiable" | undefined {
  const match = header === null ? null : /^\s*bytes\s*=\s*(\d*)-(\d*)\s*$/i.exec(header);
  if (match === null) return undefined;
  const [, from, to] = match;
  if (from === "") return parseSuffix(to!, size);
  const start = Number(from);
  if (to !== "" && Number(to) < start) return undefined;
  if (start >= size) return "unsatisfiable";
  const end = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  return { start, length: end - start + 1 };
}

/** The last bytes of the file. */
function parseSuffix(suffix: string, size: number): ByteRange | "unsatisfiable" | undefined {
  if (suffix === "") return undefined;
  const length = Math.min(Number(suffix), size);
  if (length > 0) return { start: size - length, length };
  // All of an empty file cannot be expressed in a Content-Range: it is sent as a whole.
  return Number(suffix) === 0 ? "unsatisfiable" : undefined;
}
