import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from "@fastify/busboy";
import type { Problem } from "../dependencies/problem.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { assertFileType, toBaseName, type FileHead, type FileRule } from "./file-rule.ts";
import { formTooLarge, maxFormBytes, type FormPlan } from "./form-plan.ts";
import { assertNameLength, FormTexts } from "./form-texts.ts";
import { IncomingFile } from "./incoming-file.ts";
import { toProblemInput } from "./problem-input.ts";
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
export async function readMultipart(body: BodyReader, contentType: string, plan: FormPlan, maxTextBytes: number): Promise<ReceivedForm> {
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
    this.#parser = createParser(contentType, maxTextBytes)
      .on("field", (name, value, _isNameCut, isValueCut) => this.#orFail(() => this.#addText(name, value, isValueCut)))
      .on("file", (name, stream, filename, _encoding, type) => this.#orFail(() => this.#addFile(name, stream, filename, type)))
      .on("partsLimit", () => this.#fail(new HTTPException(413, "The form has too many parts.", { connection: "close" })))
      .on("error", (cause) => this.#fail(new HTTPException(400, "The multipart form is malformed or ended early.", {}, { cause })))
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
    return { texts: this.#texts.values, uploads, problems: this.#problems, folder: uploads.size === 0 ? undefined : this.#folder };
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
    const problem = rule === undefined ? this.#undeclared(name ?? "", head) : this.#surplus(rule, head);
    if (problem !== undefined && !this.#problems.some(({ loc }) => loc[1] === problem.loc[1])) this.#problems.push(problem);
    if (problem !== undefined || rule === undefined || this.#failure !== undefined) {
      stream.resume();
      return;
    }
    if (head.filename !== "") assertFileType(rule, head);
    this.#files.push(new IncomingFile(rule, head, stream, this.#folder, (error) => this.#fail(error)));
  }

  #undeclared(name: string, { filename }: FileHead): Problem {
    assertNameLength(name);
    const expected = [...this.#plan.keys()].map((key) => JSON.stringify(key)).join(", ") || "none";
    const msg = `No file is expected under this name; expected are ${expected}`;
    return { type: "value_error", loc: ["body", name], msg, input: toProblemInput(filename) };
  }

  #surplus({ name, maxCount, isSecret }: FileRule, { filename }: FileHead): Problem | undefined {
    const count = this.#files.filter(({ rule, isChosen }) => rule.name === name && isChosen).length;
    if (count < maxCount) return undefined;
    const problem = { type: "value_error", loc: ["body", name], msg: `Expected at most ${maxCount} ${maxCount === 1 ? "file" : "files"}` };
    return isSecret ? problem : { ...problem, input: toProblemInput(filename) };
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

function createParser(contentType: string, maxTextBytes: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { "content-type": contentType } as BusboyHeaders,
      // One byte more, to tell what is too long from what is as long as it may be.
      limits: { fieldSize: Math.min(maxTextBytes + 1, Number.MAX_SAFE_INTEGER), parts: 2_000, headerPairs: 100, headerSize: 16_384 },
      preservePath: true,
    });
  } catch (cause) {
    throw new HTTPException(400, `The Content-Type of the form is malformed: expected multipart/form-data; boundary=…, but got ${JSON.stringify(contentType.slice(0, 100))}.`, {}, { cause });
  }
}
