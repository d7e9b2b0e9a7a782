import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HTTPException } from "../internal/http-exception.ts";
import { file } from "./file.ts";
import { files } from "./files.ts";
import { form } from "./form.ts";
import { boundary, multipart, postForm, type Part } from "./multipart.fixture.ts";
import { solve, useTemporaryDirectory, type TemporaryDirectory } from "./scope.fixture.ts";
import type { Upload } from "./upload.ts";

let temporary: TemporaryDirectory;

beforeEach(async () => {
  temporary = await useTemporaryDirectory();
});

afterEach(async () => {
  await temporary.remove();
});

const params = {
  data: form(),
  one: file({ optional: true, maxBytes: 50_000 }),
  many: files({ optional: true, maxCount: 3 }),
};

/** A body in pieces of any sizes. */
function inPieces(text: string, sizes: readonly number[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  let piece = 0;
  return new ReadableStream({
    pull(controller) {
      const size = sizes.length === 0 ? bytes.byteLength : sizes[piece++ % sizes.length]!;
      if (at < bytes.byteLength) controller.enqueue(bytes.slice(at, (at += size)));
      else controller.close();
    },
  });
}

/** Ends in time: with values, problems, or an HTTPException that a client can have caused. */
async function receive(body: string, sizes: readonly number[]): Promise<Record<string, unknown> | undefined> {
  const timeout = AbortSignal.timeout(5_000);
  const late = new Promise<never>((_, reject) =>
    timeout.addEventListener("abort", () => reject(new Error(`Never ended: ${JSON.stringify([body, sizes])}`))),
  );
  try {
    const { values, problems, scope } = await Promise.race([solve(params, postForm(inPieces(body, sizes))), late]);
    const read =
      problems === undefined
        ? {
            data: values.data,
            one: await (values.one as Upload | undefined)?.text(),
            many: await Promise.all((values.many as Upload[]).map((each) => each.text())),
          }
        : undefined;
    scope.tasks.end();
    await scope.tasks.settled;
    return read;
  } catch (error) {
    if (!(error instanceof HTTPException) || error.status >= 500) throw error;
    return undefined;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 5 });
const content = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom("", "\r\n", "\r", "-", `\r\n--${boundary.slice(0, -1)}`, "\r\n--", "x".repeat(3_000)),
  fc.integer({ min: 0, max: 40_000 }).map((length) => "ab".repeat(length / 2)),
);

test("what was sent is what is received, whatever the pieces", async () => {
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.option(content, { nil: undefined }),
      fc.array(content, { maxLength: 3 }),
      sizes,
      async (text, one, many, pieces) => {
        fc.pre([text, one ?? "", ...many].every((each) => !each.includes(boundary)));
        const parts: Part[] = [
          { name: "text", content: text },
          ...(one === undefined ? [] : [{ name: "one", filename: "1", content: one }]),
          ...many.map((each, index) => ({ name: "many", filename: `${index}`, type: "a/b", content: each })),
        ];
        const wellFormed = (each: string) => new TextDecoder().decode(new TextEncoder().encode(each));
        expect(await receive(multipart(...parts), pieces)).toEqual({
          data: text === "" ? {} : { text: wellFormed(text) },
          one: one === undefined ? undefined : wellFormed(one),
          many: many.map(wellFormed),
        });
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);

test("no mangled body hangs, crashes or leaves a file", async () => {
  const whole = multipart(
    { name: "a", content: "1" },
    { name: "one", filename: "x.txt", type: "text/plain", content: "hello\r\n" },
    { name: "many", filename: "y", content: "z".repeat(100) },
    { name: "other", filename: "y", content: "z" },
  );
  const noise = fc.oneof(
    fc.constantFrom(
      "",
      "\r\n",
      "--",
      `--${boundary}`,
      `\r\n--${boundary}\r\n`,
      `\r\n--${boundary}--`,
      "\r\n\r\n",
      ":",
      '"',
      ";",
      "\u0000",
      "filename=",
      "Content-Disposition: form-data\r\n",
    ),
    fc.string({ maxLength: 5 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: whole.length }), fc.nat({ max: 30 }), noise), { minLength: 1, maxLength: 4 }),
      sizes,
      async (edits, pieces) => {
        let body = whole;
        for (const [at, length, insert] of edits) body = body.slice(0, at) + insert + body.slice(at + length);
        await expect(receive(body, pieces)).resolves.not.toBeNull();
      },
    ),
    { numRuns: 600 },
  );
}, 120_000);

test("no truncated body hangs, crashes or leaves a file", async () => {
  const whole = multipart(
    { name: "a", content: "1" },
    { name: "one", filename: "x", content: "hello" },
    { name: "many", filename: "y", content: "" },
    { name: "b", content: "2" },
  );
  for (let length = 1; length < whole.length; length++) {
    const received = await receive(whole.slice(0, length), length % 3 === 0 ? [] : [length % 7 || 7]);
    // All but the line break after the last boundary is needed.
    const isWhole = length >= whole.length - 2;
    expect(received === undefined).toBe(!isWhole);
  }
});
