/** The same kind of file as this one: compiled or not. */
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

/** Where the code of this package is: `src/`, or `dist/` once it is built, which keeps this file where it is in `src/`. */
export const ownCode: URL = new URL("../", import.meta.url);

/** Pages, scripts and styles that the package serves; beside `src/` as well as beside `dist/`. */
export const assetsFolder: URL = new URL("../../assets/", import.meta.url);

/** What npm knows of this package. */
export const manifestFile: URL = new URL("../../package.json", import.meta.url);

/**
 * A module of this package that a thread or a process of its own begins with.
 *
 * @param path - below `src/`, without an extension; scripts/build.ts lists it as an entry
 */
export function ownModule(path: string): URL {
  return new URL(path + extension, ownCode);
}
