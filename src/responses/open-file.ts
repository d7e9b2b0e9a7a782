import type { BigIntStats } from "node:fs";
import { constants, lstat, open, realpath, type FileHandle } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { HTTPException } from "../internal/http-exception.ts";

/** Where a file may lie. */
export interface FilePlace {
  /** The directory that the path must not lead out of; `undefined` trusts the path. */
  readonly root: string | undefined;
  /** Whether names that begin with a dot are files like others within `root`. */
  readonly dotfiles: boolean;
}

/** An open file, and what it was when it was opened. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

/** Without this, opening a named pipe would wait for its writer, and with it one of Node's few threads. Unknown to Windows. */
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

const absent: ReadonlySet<unknown> = new Set([
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
  "ENXIO",
  "ERR_INVALID_ARG_VALUE",
]);

/**
 * Opens a regular file for reading. The caller must close it.
 *
 * @throws {HTTPException} 404 for everything that is not there, is no file, or lies outside the root: the three cannot be
 *   told apart from outside. Other trouble (no permission, too many open files) is the server's, and thrown as it is
 */
export async function openFile(path: string, place: FilePlace): Promise<OpenFile> {
  const absolute = place.root === undefined ? path : within(resolve(place.root), path, place.dotfiles);
  let handle: FileHandle | undefined;
  try {
    handle = await open(absolute, openFlags);
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new HTTPException(404);
    if (place.root !== undefined) await assertInside(place.root, absolute, stats);
    return { handle, stats };
  } catch (error) {
    await handle?.close();
    throw absent.has((error as NodeJS.ErrnoException | undefined)?.code)
      ? new HTTPException(404, undefined, {}, { cause: error })
      : error;
  }
}

function within(root: string, path: string, dotfiles: boolean): string {
  const absolute = resolve(root, path);
  const inner = relative(root, absolute);
  if (isOutside(inner) || (!dotfiles && inner.split(sep).some((name) => name.startsWith("."))))
    throw new HTTPException(404);
  return absolute;
}

/**
 * Symbolic links must not lead out of the root either. Asked after the opening, and compared with what was opened, so
 * that a link that is exchanged in between does not help.
 */
async function assertInside(root: string, absolute: string, opened: BigIntStats): Promise<void> {
  const [realRoot, real] = await Promise.all([realpath(root), realpath(absolute)]);
  const { ino, dev } = await lstat(real, { bigint: true });
  if (isOutside(relative(realRoot, real)) || ino !== opened.ino || dev !== opened.dev) throw new HTTPException(404);
}

/** Whether a path relative to a directory leads out of it, or is the directory. Another drive of Windows stays absolute. */
function isOutside(inner: string): boolean {
  return inner === "" || inner === ".." || inner.startsWith(`..${sep}`) || isAbsolute(inner);
}
