import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = new Set<string>();
/** Where it was before a test set it to a place of its own. */
const base = tmpdir();

/** A fresh directory, removed by {@link removeTempDirectories}. */
export async function createTempDirectory(): Promise<string> {
  const directory = await mkdtemp(join(base, "afterword-test-"));
  made.add(directory);
  return directory;
}

export async function removeTempDirectories(): Promise<void> {
  for (const directory of made) await rm(directory, { recursive: true, force: true });
  made.clear();
}

/** All files below a directory, by their path in it. */
export async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
