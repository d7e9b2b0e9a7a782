import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { filesIn } from "../support/temp-directory.ts";
import { waitUntil } from "../support/wait-until.ts";
import { endExamples, runExample, type RunningExample } from "./run-example.ts";

endExamples();

const MiB = 2 ** 20;
/** What the example may need more for 200 MiB than for 32 MiB. */
const maxGrowthBytes = 80 * MiB;

/** A file with one field around it, made while it is sent. No two of its chunks are alike. */
function generateForm(
  boundary: string,
  fileBytes: number,
): { readonly body: ReadableStream<Uint8Array>; sha256(): string } {
  const hash = createHash("sha256");
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="video"; filename="large.mp4"\r\nContent-Type: video/mp4\r\n\r\n`,
    );
    for (let index = 0; index < fileBytes / MiB; index++) {
      const chunk = Buffer.alloc(MiB, `chunk ${index} of a large file\n`);
      hash.update(chunk);
      yield chunk;
    }
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  return {
    body: Readable.toWeb(Readable.from(parts(), { objectMode: false })) as ReadableStream<Uint8Array>,
    sha256: () => hash.digest("hex"),
  };
}

/** The memory that a process holds now, of all kinds: heap, buffers outside it, code. Linux tells. */
function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1_024;
}

/** Looks at the memory of a process until it is told to stop. */
function watchMemory(pid: number): { stop(): Promise<number> } {
  let isStopped = false;
  let peak = 0;
  const watching = (async () => {
    while (!isStopped) {
      peak = Math.max(peak, residentBytes(pid));
      await delay(10);
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await watching;
      return peak;
    },
  };
}

test.skipIf(process.platform !== "linux")(
  "200 MiB are received, hashed and removed with flat memory",
  async () => {
    const example = await runExample("upload");
    // What a file of any size needs: code is compiled, the heap finds its size.
    await upload(example, 1, 32 * MiB);

    const before = residentBytes(example.pid);
    const memory = watchMemory(example.pid);
    await upload(example, 2, 200 * MiB);
    const growth = (await memory.stop()) - before;
    expect(growth).toBeLessThan(maxGrowthBytes);

    await waitUntil(async () => (await filesIn(example.tempDirectory)).length === 0, { what: "the files are removed" });
    expect(await example.stop()).toBe(0);
    // On a busy machine it may say that the task held the event loop.
    expect(example.stderr).not.toContain("Error");
  },
  40_000,
);

/** Sends a file, and waits until the example knows its hash. */
async function upload(example: RunningExample, id: number, fileBytes: number): Promise<void> {
  const { body, sha256 } = generateForm("a-boundary", fileBytes);
  const answer = await example.fetch("/videos", {
    method: "POST",
    headers: { "content-type": "multipart/form-data; boundary=a-boundary" },
    body,
    duplex: "half",
  } as RequestInit);
  expect(answer.status).toBe(202);
  const video = { id, name: "large.mp4", bytes: fileBytes };
  expect(await answer.json()).toEqual(video);
  let known: object = video;
  await waitUntil(
    async () => {
      known = (await (await example.fetch(`/videos/${id}`)).json()) as object;
      return "sha256" in known;
    },
    { withinMs: 20_000, what: "the file is hashed" },
  );
  expect(known).toEqual({ ...video, sha256: sha256() });
}

test("a shutdown that follows the answer ends the task first and leaves no temporary file", async () => {
  const example = await runExample("upload");
  const form = new FormData();
  form.append("video", new File([Buffer.alloc(32 * MiB, "x")], "large.mp4"));
  const answer = await example.fetch("/videos", { method: "POST", body: form });
  expect(answer.status).toBe(202);
  expect(await example.stop()).toBe(0);
  expect(await filesIn(example.tempDirectory)).toEqual([]);
});

test("an unknown video is not found", async () => {
  const example = await runExample("upload");
  const answer = await example.fetch("/videos/1");
  expect([answer.status, await answer.json()]).toEqual([404, { detail: "Video not found" }]);
  expect(await example.stop()).toBe(0);
});
