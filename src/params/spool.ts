import { openAsBlob } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { orNoRoom, type UploadFolder } from "./upload-folder.ts";
import { Upload } from "./upload.ts";

const maxBytesInMemory = 2 ** 20;

/** Takes in one file: up to 1 MiB stays in memory, more goes to the disk. */
export class Spool {
  bytes = 0;
  readonly #folder: UploadFolder;
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #file: { readonly path: string; readonly handle: FileHandle } | undefined;

  constructor(folder: UploadFolder) {
    this.#folder = folder;
  }

  /** A promise only if the chunk goes to the disk. */
  write(chunk: Uint8Array<ArrayBuffer>): Promise<void> | undefined {
    this.bytes += chunk.byteLength;
    this.#chunks.push(chunk);
    return this.#file !== undefined || this.bytes > maxBytesInMemory ? this.#flush() : undefined;
  }

  /** Ends it: nothing is written after this. */
  async close(): Promise<void> {
    await this.#file?.handle.close();
  }

  /** What was taken in, after {@link close}. */
  async toUpload(name: string, type: string): Promise<Upload> {
    const parts = this.#file === undefined ? this.#chunks : [await openAsBlob(this.#file.path)];
    return new Upload(parts, name, type, this.#folder);
  }

  async #flush(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#file ??= await this.#folder.createFile();
    const { handle } = this.#file;
    // Unlike write(), this goes on until all is written.
    await orNoRoom(() => handle.writeFile(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
  }
}
