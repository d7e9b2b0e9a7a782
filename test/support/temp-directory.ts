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

/** All files below a directory, by their path; what goes away meanwhile is not among them. */
export async function filesIn(directory: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) found.push(...(await filesIn(path)));
    else found.push(path);
  }
  return found;
}
