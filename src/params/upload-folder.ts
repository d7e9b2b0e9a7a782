import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HTTPException } from "../internal/http-exception.ts";
import type { UploadStorage } from "./upload.ts";

/** The temporary directory of one request's uploads. It is made for the first file that needs it. */
export class UploadFolder implements UploadStorage {
  isRemoved = false;
  #path: Promise<string> | undefined;
  #files = 0;

  /** Opens a new file that only this user can read. Its name has nothing of what the client says. */
  async createFile(): Promise<{ readonly path: string; readonly handle: FileHandle }> {
    const name = String(this.#files++);
    return orNoRoom(async () => {
      const path = join(await (this.#path ??= mkdtemp(join(tmpdir(), "afterword-"))), name);
      return { path, handle: await open(path, "wx", 0o600) };
    });
  }

  /** Removes all files. Harmless when done again. */
  async remove(): Promise<void> {
    this.isRemoved = true;
    const path = await this.#path?.catch(() => undefined);
    if (path !== undefined) await rm(path, { recursive: true, force: true });
  }
}

/** Does what writes to the disk, and says it with 507 when the disk is full. */
export async function orNoRoom<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new HTTPException(507, "There is no room to store the upload.", { connection: "close" }, { cause });
    throw cause;
  }
}
