import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A change of the sources that takes a guard away. */
export interface Mutation {
  /** Below `src/`. */
  readonly file: string;
  /** The text that is replaced: it must be there, once. */
  readonly from: string;
  readonly to: string;
}

const root = new URL("../../", import.meta.url);

/**
 * A copy of the sources in the repository's `.cache/`, where they find their packages. Processes that start one after the
 * other run the same code, whatever is edited meanwhile.
 */
export class CopiedSources implements Disposable {
  /** The URL of `index.ts`. */
  readonly entry: string;
  readonly #folder: string;

  constructor() {
    const cache = fileURLToPath(new URL(".cache/", root));
    mkdirSync(cache, { recursive: true });
    this.#folder = mkdtempSync(join(cache, "chaos-"));
    cpSync(fileURLToPath(new URL("src/", root)), join(this.#folder, "src"), { recursive: true });
    this.entry = pathToFileURL(join(this.#folder, "src/index.ts")).href;
  }

  /** Changes one of the files. */
  mutate({ file, from, to }: Mutation): this {
    const path = join(this.#folder, "src", file);
    const parts = readFileSync(path, "utf8").split(from);
    if (parts.length !== 2)
      throw new Error(
        `src/${file} must contain this text once, but does ${parts.length - 1} times. If the guard has moved, move the mutation with it:\n${from}`,
      );
    writeFileSync(path, parts.join(to));
    return this;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
