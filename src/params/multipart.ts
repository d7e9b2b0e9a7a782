import type { BusboyFileStream, BusboyInstance } from "@fastify/busboy";
import type { Problem } from "../dependencies/problem.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { surplusFile, undeclaredFile } from "./file-problem.ts";
import { toBaseName, type FileRule } from "./file-rule.ts";
import { formTooLarge, maxFormBytes, type FormPlan } from "./form-plan.ts";
import { FormTexts } from "./form-texts.ts";
import { IncomingFile } from "./incoming-file.ts";
import { createMultipartParser } from "./multipart-parser.ts";
import type { ReceivedForm } from "./received-form.ts";
import { readChunk } from "./request-body.ts";
import { UploadFolder } from "./upload-folder.ts";
import type { Upload } from "./upload.ts";

type BodyReader = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Reads a body of type `multipart/form-data`. It goes no faster than the disk takes the files; on any error nothing of
 * them is left.
 *
 * @throws {HTTPException} 400 if it is malformed or ends early, 413 if something is too large, 415 for a file of a wrong
 * type, 507 if the disk is full
 */
export async function readMultipart(
  body: BodyReader,
  contentType: string,
  plan: FormPlan,
  maxTextBytes: number,
): Promise<ReceivedForm> {
  const reading = new MultipartReading(contentType, plan, maxTextBytes);
  try {
    await reading.take(body);
    return await reading.finish();
  } catch (error) {
    await reading.abandon(error);
    throw error;
  }
}

class MultipartReading {
  readonly #plan: FormPlan;
  readonly #maxTextBytes: number;
  readonly #parser: BusboyInstance;
  readonly #texts: FormTexts;
  readonly #files: IncomingFile[] = [];
  readonly #folder: UploadFolder = new UploadFolder();
  readonly #problems: Problem[] = [];
  /** The first error; `undefined` so far. */
  #failure: { readonly error: unknown } | undefined;
  #hasEnded = false;
  /** Wakes {@link take} from its wait for the parser. */
  #wake: () => void = () => {};

  constructor(contentType: string, plan: FormPlan, maxTextBytes: number) {
    this.#plan = plan;
    this.#maxTextBytes = maxTextBytes;
    this.#texts = new FormTexts(maxTextBytes);
    this.#parser = createMultipartParser(contentType, maxTextBytes)
      .on("field", (name, value, _isNameCut, isValueCut) => this.#orFail(() => this.#addText(name, value, isValueCut)))
      .on("file", (name, stream, filename, _encoding, type) =>
        this.#orFail(() => this.#addFile(name, stream, filename, type)),
      )
      .on("partsLimit", () =>
        this.#fail(new HTTPException(413, "The form has too many parts.", { connection: "close" })),
      )
      .on("error", (cause) =>
        this.#fail(new HTTPException(400, "The multipart form is malformed or ended early.", {}, { cause })),
      )
      .on("finish", () => {
        this.#hasEnded = true;
        this.#wake();
      });
  }

  async take(body: BodyReader): Promise<void> {
    const maxBytes = maxFormBytes(this.#plan, this.#maxTextBytes);
    let bytes = 0;
    for (let chunk = await readChunk(body); chunk; chunk = await readChunk(body)) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw formTooLarge(this.#plan, this.#maxTextBytes);
      if (!this.#parser.write(chunk)) await this.#wait((wake) => this.#parser.once("drain", wake));
      this.#throwFailure();
    }
    if (bytes === 0) return;
    this.#parser.end();
    if (!this.#hasEnded) await this.#wait(() => {});
    this.#throwFailure();
  }

  async finish(): Promise<ReceivedForm> {
    const uploads = new Map<string, Upload[]>();
    for (const file of this.#files) {
      const upload = await file.received;
      this.#throwFailure();
      if (upload === undefined) continue;
      const { name } = file.rule;
      uploads.set(name, [...(uploads.get(name) ?? []), upload]);
    }
    return {
      texts: this.#texts.values,
      uploads,
      problems: this.#problems,
      folder: uploads.size === 0 ? undefined : this.#folder,
    };
  }

  /** Stops the files that are still coming in, waits for their writes and removes all. */
  async abandon(error: unknown): Promise<void> {
    this.#fail(error);
    for (const file of this.#files) file.stop();
    await Promise.all(this.#files.map(({ received }) => received));
    await this.#folder.remove();
  }

  #addText(name: string | undefined, value: string, isCut: boolean): void {
    if (isCut) throw this.#texts.tooLong();
    if (name !== undefined) this.#texts.add(name, value);
  }

  #addFile(name: string | undefined, stream: BusboyFileStream, filename: string | undefined, type: string): void {
    // An error of the parser is told to the stream as well, also to one that nobody reads.
    stream.on("error", () => {});
    const head = { filename: toBaseName(filename ?? ""), type };
    const rule = this.#plan.get(name ?? "");
    if (rule === undefined) this.#refuse(undeclaredFile(this.#plan, name ?? "", head), stream);
    else if (this.#countOf(rule) >= rule.maxCount) this.#refuse(surplusFile(rule, head), stream);
    else this.#files.push(new IncomingFile(rule, head, stream, this.#folder, (error) => this.#fail(error)));
  }

  #countOf(rule: FileRule): number {
    return this.#files.filter((file) => file.rule === rule && file.isChosen).length;
  }

  /** Lets a file pass without keeping it. Each name has one problem, however many files there are. */
  #refuse(problem: Problem, stream: BusboyFileStream): void {
    stream.resume();
    if (!this.#problems.some(({ loc }) => loc[1] === problem.loc[1])) this.#problems.push(problem);
  }

  /** The parser's events must not throw: it would be left in the middle of a chunk. */
  #orFail(take: () => void): void {
    try {
      take();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #wait(start: (wake: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      start(resolve);
      if (this.#failure !== undefined) resolve();
    });
  }
}
