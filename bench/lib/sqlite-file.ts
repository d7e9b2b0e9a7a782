import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A SQLite file in a folder of its own, which is deleted at the end. On a disk: in memory a sync costs nothing. */
export class SqliteFile implements Disposable {
  readonly path: string;
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "afterword-bench-"));
    this.path = join(this.#folder, "tasks.db");
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
