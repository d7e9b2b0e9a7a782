import { readFileSync } from "node:fs";
import { isAbsolute, relative } from "node:path";

/** A place in a source file. Lines and columns count from 1. */
export interface SourcePlace {
  readonly path: string;
  readonly line: number;
  readonly column?: number;
}

/** So many lines are shown before the one that matters, and after it. */
const contextLines = 2;

/** `app.ts:3:11`, by the folder in which the command was given if the file is in there. */
export function formatPlace({ path, line, column }: SourcePlace): string {
  return `${shortPath(path)}:${line}${column === undefined ? "" : `:${column}`}`;
}

/** A path as the user would write it. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short;
}

/** The lines around a place, with a mark at it; empty if the file cannot be read, or has no such line. */
export function codeFrame({ path, line, column }: SourcePlace): string {
  const lines = readLines(path);
  if (lines[line - 1] === undefined) return "";
  const first = Math.max(1, line - contextLines);
  const last = Math.min(lines.length, line + contextLines);
  const width = String(last).length;
  const frame: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = lines[number - 1]!;
    frame.push(`${number === line ? ">" : " "} ${String(number).padStart(width)} | ${text}`.trimEnd());
    if (number === line && column !== undefined)
      // Tabs stay tabs, so that the mark stands where the character does.
      frame.push(`  ${" ".repeat(width)} | ${text.slice(0, column - 1).replaceAll(/[^\t]/g, " ")}^`);
  }
  return frame.join("\n");
}

function readLines(path: string): readonly string[] {
  try {
    const lines = readFileSync(path, "utf8").split(/\r?\n/);
    if (lines.at(-1) === "") lines.pop();
    return lines;
  } catch {
    return [];
  }
}
