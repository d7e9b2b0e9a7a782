import { watch, type FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";
import { fingerprintOf, isSourceFile } from "./source-file.ts";

/** An editor may write a file in several steps, and a tool several files: so long after the last step they are looked at. */
const settleMs = 50;

/**
 * Events are hints that make it quick. Some places send none (network drives, folders that were replaced, machines with too
 * many watchers), so all files are looked at this often: 500 of them in about 2 ms.
 */
const lookMs = 500;

/** Notices when source files are no longer what they were when they were loaded. */
export class SourceWatch {
  readonly #fingerprints = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher>();
  #changed = Promise.withResolvers<readonly string[]>();
  #settling: NodeJS.Timeout | undefined = undefined;
  #looking: NodeJS.Timeout | undefined = undefined;

  /** Resolves with the files that have changed, once some have since the last start. */
  get changed(): Promise<readonly string[]> {
    return this.#changed.promise;
  }

  /** Watches these, as they are now, and no others any more. */
  start(paths: readonly string[]): void {
    this.close();
    this.#changed = Promise.withResolvers();
    this.#looking = setInterval(() => this.#look(), lookMs);
    for (const path of paths) this.add(path, fingerprintOf(path));
  }

  /** @param fingerprint - what the file was when it was loaded */
  add(path: string, fingerprint: string): void {
    if (this.#looking === undefined || !isSourceFile(path)) return;
    this.#fingerprints.set(path, fingerprint);
    this.#watchFolder(dirname(path));
  }

  close(): void {
    clearTimeout(this.#settling);
    clearInterval(this.#looking);
    this.#looking = undefined;
    this.#fingerprints.clear();
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, (_, name) => {
        if (name === null || this.#isWatched(folder, name)) this.#soon();
      });
      const drop = (): void => {
        watcher.close();
        this.#folders.delete(folder);
      };
      watcher.on("error", drop);
      this.#folders.set(folder, watcher);
    } catch {
      // The folder is not there, or cannot be watched: its files are looked at every now and then.
    }
  }

  #isWatched(folder: string, name: string): boolean {
    for (const path of this.#fingerprints.keys()) if (dirname(path) === folder && basename(path) === name) return true;
    return false;
  }

  #soon(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      const changed = this.#findChanged();
      if (changed.length === 0) return;
      this.#changed.resolve(changed);
      this.close();
    }, settleMs);
  }

  #look(): void {
    if (this.#findChanged().length > 0) this.#soon();
  }

  #findChanged(): readonly string[] {
    return Array.from(this.#fingerprints)
      .filter(([path, fingerprint]) => fingerprintOf(path) !== fingerprint)
      .map(([path]) => path);
  }
}
