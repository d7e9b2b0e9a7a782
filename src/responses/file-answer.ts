import { parseRange, type ByteRange } from "./byte-range.ts";

/** What tells one version of a file from another. */
export interface FileVersion {
  readonly size: number;
  readonly etag: string;
  /** As an HTTP date, which knows whole seconds. */
  readonly lastModified: string;
}

/** What of a file is sent, and with which status. */
export type FileAnswer =
  | { readonly status: 200 }
  | { readonly status: 206; readonly range: ByteRange }
  | { readonly status: 304 | 412 | 416 };

const whole: FileAnswer = { status: 200 };

/** Weighs the conditions of a request in the order of RFC 9110, section 13.2.2. They count for `GET` and `HEAD` only. */
export function answerFor(file: FileVersion, method: string, headers: Headers): FileAnswer {
  if (method !== "GET" && method !== "HEAD") return whole;
  if (!matchesExpectation(file, headers)) return { status: 412 };
  if (isKnownToClient(file, headers)) return { status: 304 };
  const rangeHeader = method === "GET" ? headers.get("range") : null;
  if (rangeHeader === null || !isSameVersion(file, headers.get("if-range"))) return whole;
  const range = parseRange(rangeHeader, file.size);
  if (range === undefined) return whole;
  return range === "unsatisfiable" ? { status: 416 } : { status: 206, range };
}

function matchesExpectation(file: FileVersion, headers: Headers): boolean {
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null) return ifMatch.trim() === "*" || (isStrong(file.etag) && etagsIn(ifMatch).includes(file.etag));
  const since = parseHttpDate(headers.get("if-unmodified-since"));
  return since === undefined || Date.parse(file.lastModified) <= since;
}

function isKnownToClient(file: FileVersion, headers: Headers): boolean {
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== null)
    return ifNoneMatch.trim() === "*" || etagsIn(ifNoneMatch).map(withoutWeakness).includes(withoutWeakness(file.etag));
  const since = parseHttpDate(headers.get("if-modified-since"));
  return since !== undefined && Date.parse(file.lastModified) <= since;
}

/** `If-Range`: the parts that the client has are of this very version, so it may get another part. */
function isSameVersion(file: FileVersion, ifRange: string | null): boolean {
  if (ifRange === null) return true;
  if (ifRange.includes('"')) return isStrong(file.etag) && ifRange.trim() === file.etag;
  return parseHttpDate(ifRange) === Date.parse(file.lastModified);
}

/** A tag may contain commas, but no quotes. */
function etagsIn(list: string): readonly string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

function isStrong(etag: string): boolean {
  return !etag.startsWith("W/");
}

function withoutWeakness(etag: string): string {
  return etag.replace(/^W\//, "");
}

/** The three forms of RFC 9110, section 5.6.7; the oldest one names no zone and means GMT. Others count as absent. */
function parseHttpDate(text: string | null): number | undefined {
  if (text === null || !/^\s*(?:mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return undefined;
  const timeMs = Date.parse(/GMT\s*$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
