import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { SourcePlace } from "./code-frame.ts";

/** What can be said of an import of something that is not there. */
export interface MissingModule {
  /** Where it is imported; `undefined` if that was not found. */
  readonly place: SourcePlace | undefined;
  readonly hint: string | undefined;
}

/** What stands in the error of Node only as text: which file wants what. `undefined` for any other error. */
export function describeMissingModule(error: Error): MissingModule | undefined {
  const { code, url } = error as Error & { readonly code?: unknown; readonly url?: unknown };
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "ERR_UNSUPPORTED_DIR_IMPORT") return undefined;
  const importer = /imported from (.+)$/m.exec(error.message)?.[1];
  if (importer === undefined) return undefined;
  const name = /package '([^']+)'/.exec(error.message)?.[1];
  const wanted = typeof url === "string" ? url : undefined;
  return {
    place: findImport(importer, (specifier) =>
      wanted === undefined
        ? name !== undefined && (specifier === name || specifier.startsWith(`${name}/`))
        : specifier.startsWith(".") && new URL(specifier, pathToFileURL(importer)).href === wanted,
    ),
    hint: wanted === undefined ? name && `Is it installed? npm install ${name}` : hintOfEnding(fileURLToPath(wanted)),
  };
}

/** The first text in quotation marks that is the import. */
function findImport(path: string, isWanted: (specifier: string) => boolean): SourcePlace | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, "utf8");
  for (const match of text.matchAll(/(["'])((?:\.|@|\w)[^"'\n]*)\1/g)) {
    if (!isWanted(match[2]!)) continue;
    const before = text.slice(0, match.index).split("\n");
    return { path, line: before.length, column: before.at(-1)!.length + 1 };
  }
  return undefined;
}

/** TypeScript that Node runs as it is names files with their endings; bundlers did not ask for them. */
function hintOfEnding(path: string): string | undefined {
  const base = path.replace(/\.[cm]?js$/, "");
  const found = [".ts", ".mts", ".cts", ".js", "/index.ts", "/index.js"].find((ending) => existsSync(base + ending));
  if (found === undefined || base + found === path) return undefined;
  return `There is ${basename(base)}${found}: an import names the file with its ending.`;
}
