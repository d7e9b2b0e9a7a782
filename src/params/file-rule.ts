import { HTTPException } from "../internal/http-exception.ts";

/** What a declared file may be. */
export interface FileRule {
  /** The name of its field. */
  readonly name: string;
  readonly maxBytes: number;
  /** How many there may be under its name. */
  readonly maxCount: number;
  /** Media types (`image/png`, `image/*`) and endings of names (`.png`); `undefined` for any. */
  readonly types: readonly string[] | undefined;
  /** Whether a 422 leaves out its filename. */
  readonly isSecret: boolean;
}

/** A file of a form as its part announces it. */
export interface FileHead {
  readonly filename: string;
  /** In lower case, without parameters. */
  readonly type: string;
}

/** @throws {HTTPException} 415 when a file is of none of the types */
export function assertFileType({ name, types }: FileRule, { filename, type }: FileHead): void {
  if (types === undefined || types.some((wanted) => fits(wanted.toLowerCase(), filename.toLowerCase(), type))) return;
  throw new HTTPException(
    415,
    `File "${name}" must be of type ${types.join(" or ")}, but got ${JSON.stringify(type)} named ${JSON.stringify(filename.slice(0, 100))}.`,
  );
}

/** @throws {HTTPException} 413 when a file is too large */
export function assertFileSize({ name, maxBytes }: FileRule, bytes: number): void {
  if (bytes > maxBytes)
    throw new HTTPException(413, `File "${name}" is larger than ${maxBytes} bytes.`, { connection: "close" });
}

/**
 * The last part of a filename, without what could be a directory or a control character. Browsers send no directories,
 * others may send `..\..\boot.ini`.
 */
export function toBaseName(filename: string): string {
  // oxlint-disable-next-line no-control-regex
  const name = filename.replaceAll(/[\u0000-\u001f\u007f]/g, "").replace(/^.*[/\\]/s, "");
  return name === "." || name === ".." ? "" : name;
}

function fits(wanted: string, filename: string, type: string): boolean {
  if (wanted.startsWith(".")) return filename.endsWith(wanted);
  if (wanted.endsWith("/*")) return wanted === "*/*" || type.startsWith(wanted.slice(0, -1));
  return type === wanted;
}
