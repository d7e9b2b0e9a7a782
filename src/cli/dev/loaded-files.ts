import { existsSync } from "node:fs";
import { isBuiltin, registerHooks } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownCode } from "../../internal/own-files.ts";
import { fingerprintOf, withEndings } from "./source-file.ts";

/** This package's own code, which its users do not change. */
const ownFolder = fileURLToPath(ownCode);

/**
 * Tells of each file of the app that this process loads from now on, packages left out, and of those that it looked for in
 * vain. What a file was is found out before it is read: a change in between is not missed, it causes one reload too many.
 */
export function tellLoadedFiles(tell: (path: string, fingerprint: string) => void): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      try {
        return nextResolve(specifier, context);
      } catch (error) {
        for (const path of wantedPaths(specifier, context.parentURL)) tell(path, fingerprintOf(path));
        throw error;
      }
    },
    load(url, context, nextLoad) {
      const path = toAppPath(url);
      if (path !== undefined) tell(path, fingerprintOf(path));
      return nextLoad(url, context);
    },
  });
}

/** The path of a file that belongs to the app: to no package, and not to this one. */
function toAppPath(url: string | undefined): string | undefined {
  if (url === undefined || !url.startsWith("file:") || url.includes("/node_modules/")) return undefined;
  const path = fileURLToPath(url);
  return path.startsWith(ownFolder) ? undefined : path;
}

/** The files one of which would have let an import succeed. */
function wantedPaths(specifier: string, parentUrl: string | undefined): readonly string[] {
  const parent = toAppPath(parentUrl);
  if (parent === undefined || isBuiltin(specifier)) return [];
  if (/^(\.|\/|file:)/.test(specifier)) return withEndings(fileURLToPath(new URL(specifier, parentUrl)));
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0];
  return projectsAround(parent).map((folder) => join(folder, "node_modules", name, "package.json"));
}

/** The folders in which packages may be installed for a file. */
function projectsAround(path: string): readonly string[] {
  const folder = dirname(path);
  if (folder === path) return [];
  const isProject = ["package.json", "node_modules"].some((name) => existsSync(join(folder, name)));
  return [...(isProject ? [folder] : []), ...projectsAround(folder)];
}
