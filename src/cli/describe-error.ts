import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { AfterwordError } from "../internal/afterword-error.ts";
import { ownCode } from "../internal/own-files.ts";
import { codeFrame, formatPlace, type SourcePlace } from "./code-frame.ts";
import { describeMissingModule } from "./missing-module.ts";

/** Where the code of this package is: its lines in a stack say nothing to its users. */
const ownFolder = fileURLToPath(ownCode);

/** So many errors that led to each other are shown. */
const maxCauses = 5;

/**
 * An error in the user's code, for people: where it is, the lines around it, what it says, and what led there; without the
 * lines of Node, of packages and of Afterword.
 */
export function describeError(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return `Thrown was ${inspect(error, { depth: 2 })}, which is not an error.`;
  const missing = describeMissingModule(error);
  const places = stackPlaces(error);
  const place = missing?.place ?? syntaxPlace(error) ?? places[0];
  const parts = place ? [formatPlace(place), codeFrame(place)] : [];
  parts.push(headline(error) + (missing?.hint === undefined ? "" : `\n${missing.hint}`));
  if (places.length > 1) parts[parts.length - 1] += places.map((at) => `\n    at ${formatPlace(at)}`).join("");
  for (const cause of causesOf(error).slice(0, depth < maxCauses ? undefined : 0))
    parts.push(`Because of:\n${describeError(cause, depth + 1)}`);
  return parts.filter(Boolean).join("\n\n");
}

function headline(error: Error): string {
  // Errors of ours are sentences, and their class says nothing more.
  if (error instanceof AfterwordError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  return `${error.name}${typeof code === "string" ? ` [${code}]` : ""}: ${error.message}`;
}

function causesOf(error: Error): readonly unknown[] {
  const causes = error instanceof AggregateError ? [...(error.errors as unknown[])] : [];
  if (error.cause !== undefined) causes.push(error.cause);
  return causes;
}

/** What Node writes in front of the stack of a module that it cannot parse or link: path and line, the line, a caret. */
function syntaxPlace({ stack = "" }: Error): SourcePlace | undefined {
  const head = /^((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^\n]*):(\d+)\n([\s\S]*?)\n\n?\w*Error\b/.exec(stack);
  if (!head) return undefined;
  const caret = /^( *)\^+ *$/m.exec(head[3]!);
  return { path: toPath(head[1]!), line: Number(head[2]), ...(caret && { column: caret[1]!.length + 1 }) };
}

/** The lines of a stack that are in the user's own files. */
function stackPlaces({ stack = "" }: Error): readonly SourcePlace[] {
  const lines = stack.matchAll(/^ {4}at (?:.*\()?((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/]).*?):(\d+):(\d+)\)?$/gm);
  return Array.from(lines, ([, file, line, column]) => ({
    path: toPath(file!),
    line: Number(line),
    column: Number(column),
  })).filter(({ path }) => !path.startsWith(ownFolder) && !/[\\/]node_modules[\\/]/.test(path));
}

function toPath(file: string): string {
  return file.startsWith("file:") ? fileURLToPath(file) : file;
}
