import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { AfterwordError } from "../internal/afterword-error.ts";
import { createUuidV7 } from "../internal/uuid-v7.ts";

/** Where an upload's bytes are kept. */
export interface UploadStorage {
  /** Whether the request and its background tasks have ended, and the bytes are gone. */
  readonly isRemoved: boolean;
}

/**
 * An uploaded file: a `File` like the web's, so it fits whatever takes one.
 *
 * Its `name` is what the client says, without directories: show it, but do not use it as a path. Its `type` is what the
 * client says as well. Up to 1 MiB is in memory, more is in a temporary file; reading works until the background tasks of
 * the request have ended.
 *
 * @example
 * ```ts
 * import { App, BackgroundTasks, file, type Upload } from "afterword";
 *
 * const store = (upload: Upload) => upload.saveTo("avatar.png");
 *
 * new App().post("/avatar", { avatar: file({ types: ["image/*"] }), tasks: BackgroundTasks }, ({ avatar, tasks }) => {
 *   tasks.addTask(store, avatar);
 *   return { name: avatar.name, size: avatar.size };
 * });
 * ```
 */
export class Upload extends File {
  readonly #storage: UploadStorage;

  constructor(parts: ConstructorParameters<typeof File>[0], name: string, type: string, storage: UploadStorage) {
    super(parts, name, { type });
    this.#storage = storage;
  }

  /** @throws {AfterwordError} `upload_gone` after the end of the background tasks; so do the other ways of reading */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#assertThere();
    return super.stream();
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    this.#assertThere();
    return super.arrayBuffer();
  }

  override async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    this.#assertThere();
    return super.bytes();
  }

  override async text(): Promise<string> {
    this.#assertThere();
    return super.text();
  }

  override slice(start?: number, end?: number, contentType?: string): Blob {
    this.#assertThere();
    return super.slice(start, end, contentType);
  }

  /**
   * Writes the file to `path`, chunk by chunk. What was there is replaced at once when all is written; on an error it is
   * left as it was.
   */
  async saveTo(path: string | URL): Promise<void> {
    const target = path instanceof URL ? fileURLToPath(path) : path;
    const partial = join(dirname(target), `.${basename(target).slice(0, 100)}.${createUuidV7()}.part`);
    const bytes = this.stream();
    try {
      await pipeline(bytes, createWriteStream(partial, { flags: "wx" }));
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  #assertThere(): void {
    if (this.#storage.isRemoved)
      throw new AfterwordError(
        "upload_gone",
        `Upload ${JSON.stringify(this.name)} cannot be read any more: uploads are removed when the background tasks of their request have ended. Read it in the handler or in a task of the request, or keep it with saveTo().`,
      );
  }
}
