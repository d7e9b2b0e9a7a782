import { statSync } from "node:fs";
import { basename, extname } from "node:path";

const endings: readonly string[] = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"];

/** Whether a change of this file may mean that the app has changed. */
export function isSourceFile(path: string): boolean {
  return endings.includes(extname(path)) || basename(path) === ".env";
}

/** What a module may be called that was asked for without an ending. */
export function withEndings(path: string): readonly string[] {
  return isSourceFile(path) ? [path] : endings.map((ending) => path + ending);
}

/** Differs from an earlier one if the file was written, replaced, made or deleted since. */
export function fingerprintOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? "missing" : `${stats.mtimeNs} ${stats.size} ${stats.ino}`;
  } catch {
    return "missing"; // What stands in its place is no folder, or may not be read.
  }
}
