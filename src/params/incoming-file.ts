import type { BusboyFileStream } from "@fastify/busboy";
import { assertFileSize, assertFileType, type FileHead, type FileRule } from "./file-rule.ts";
import { Spool } from "./spool.ts";
import type { UploadFolder } from "./upload-folder.ts";
import type { Upload } from "./upload.ts";

/** A file of a form on its way in. */
export class IncomingFile {
  readonly rule: FileRule;
  /** The file; `undefined` when none was chosen in the browser, or when it failed. Never rejects. */
  readonly received: Promise<Upload | undefined>;
  readonly #head: FileHead;
  readonly #stream: BusboyFileStream;

  /** @param fail - is told why it cannot be received */
  constructor(
    rule: FileRule,
    head: FileHead,
    stream: BusboyFileStream,
    folder: UploadFolder,
    fail: (error: unknown) => void,
  ) {
    this.rule = rule;
    this.#head = head;
    this.#stream = stream;
    this.received = this.#receive(new Spool(folder)).catch((error: unknown) => {
      fail(error);
      return undefined;
    });
  }

  /** A browser sends a file without name and content where the user has chosen none. */
  get isChosen(): boolean {
    return this.#head.filename !== "" || this.#stream.bytesRead > 0;
  }

  /** Ends it before its end. */
  stop(): void {
    this.#stream.destroy();
  }

  async #receive(spool: Spool): Promise<Upload | undefined> {
    if (this.#head.filename !== "") assertFileType(this.rule, this.#head);
    try {
      for await (const chunk of this.#stream as AsyncIterable<Uint8Array<ArrayBuffer>>) {
        assertFileSize(this.rule, spool.bytes + chunk.byteLength);
        const written = spool.write(chunk);
        if (written !== undefined) await written;
      }
    } finally {
      await spool.close();
    }
    if (!this.isChosen) return undefined;
    // Only now it is known that there is a file without a name.
    assertFileType(this.rule, this.#head);
    return spool.toUpload(this.#head.filename, this.#head.type);
  }
}
