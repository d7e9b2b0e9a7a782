import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { open } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import * as z from "zod";
import { file } from "./file.ts";
import { form } from "./form.ts";
import { boundary, multipart, multipartType, postForm } from "./multipart.fixture.ts";
import { exceptionOf, serveParams, solve, useTemporaryDirectory, type TemporaryDirectory } from "./scope.fixture.ts";
import type { Upload } from "./upload.ts";

const mebibyte = 2 ** 20;
let temporary: TemporaryDirectory;

beforeEach(async () => {
  temporary = await useTemporaryDirectory();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await temporary.remove();
});

/** Solves, lets `look` look at the upload and ends the request. */
async function receive(body: string, look: (upload: Upload) => unknown = () => {}, declared = file()): Promise<void> {
  const { values, problems, scope } = await solve({ avatar: declared }, postForm(body));
  expect(problems).toBeUndefined();
  await look(values.avatar as Upload);
  scope.tasks.end();
  await scope.tasks.settled;
}

describe("file()", () => {
  test("is the upload, beside the fields of the form", async () => {
    const body = multipart(
      { name: "a", content: "1" },
      { name: "avatar", filename: "cat.png", type: "image/PNG", content: "meow" },
      { name: "b", content: "2" },
    );
    const { values, problems, scope } = await solve(
      { avatar: file(), data: form(z.object({ a: z.int(), b: z.int() })) },
      postForm(body),
    );
    expect(problems).toBeUndefined();
    const upload = values.avatar as Upload;
    expect({ name: upload.name, type: upload.type, size: upload.size, text: await upload.text() }).toEqual({
      name: "cat.png",
      type: "image/png",
      size: 4,
      text: "meow",
    });
    expect(values.data).toEqual({ a: 1, b: 2 });
    scope.tasks.end();
    await scope.tasks.settled;
  });

  test("has the name of its key, or its alias", async () => {
    await solve(
      { avatar: file({ alias: "avatar[]" }) },
      postForm(multipart({ name: "avatar[]", filename: "a", content: "x" })),
    ).then(({ values, scope }) => {
      expect((values.avatar as Upload).size).toBe(1);
      scope.tasks.end();
      return scope.tasks.settled;
    });
  });

  test("can be read in background tasks and is gone after them", async () => {
    for (const bytes of [10, 3 * mebibyte]) {
      const { values, scope } = await solve(
        { avatar: file() },
        postForm(multipart({ name: "avatar", filename: "a", content: "x".repeat(bytes) })),
      );
      const upload = values.avatar as Upload;
      let read = 0;
      scope.tasks.list.addTask(async () => {
        read = (await upload.text()).length;
      });
      expect(await temporary.list()).toHaveLength(bytes > mebibyte ? 2 : 0);
      scope.tasks.end();
      await scope.tasks.settled;
      expect(read).toBe(bytes);
      await expect(upload.text()).rejects.toMatchObject({ code: "upload_gone" });
      expect(await temporary.list()).toEqual([]);
    }
  });

  test("has a name without directories", async () => {
    await receive(multipart({ name: "avatar", filename: "../../etc/passwd", content: "x" }), ({ name }) =>
      expect(name).toBe("passwd"),
    );
    await receive(multipart({ name: "avatar", filename: "C:\\\\dir\\\\a.txt", content: "x" }), ({ name }) =>
      expect(name).toBe("a.txt"),
    );
    const encoded = "Content-Disposition: form-data; name=\"avatar\"; filename*=UTF-8''..%2F%C3%A9.txt";
    await receive(multipart({ head: encoded, content: "x" }), ({ name }) => expect(name).toBe("é.txt"));
  });

  test("may be empty if it has a name, and nameless if it is not empty", async () => {
    await receive(multipart({ name: "avatar", filename: "a.txt", content: "" }), ({ size, name }) =>
      expect([size, name]).toEqual([0, "a.txt"]),
    );
    await receive(multipart({ name: "avatar", filename: "", content: "x" }), ({ size, name }) =>
      expect([size, name]).toEqual([1, ""]),
    );
    await receive(multipart({ name: "avatar", type: "application/octet-stream", content: "x" }), ({ size }) =>
      expect(size).toBe(1),
    );
  });

  test("that is absent is missing, or undefined where it is optional", async () => {
    const notChosen = multipart({ name: "avatar", filename: "", type: "application/octet-stream" });
    const missing = [{ type: "missing", loc: ["body", "avatar"], msg: "Field required", input: null }];
    const urlEncoded = () =>
      new Request("http://localhost/", { method: "POST", body: new URLSearchParams({ other: "1", avatar: "" }) });
    for (const request of [
      () => postForm(notChosen),
      () => postForm(multipart()),
      () => new Request("http://localhost/"),
      urlEncoded,
    ]) {
      expect((await solve({ avatar: file({ types: ["image/*"] }) }, request())).problems).toEqual(missing);
      expect((await solve({ avatar: file(z.file()) }, request())).problems).toEqual(missing);
      const { values, problems } = await solve({ avatar: file({ optional: true }) }, request());
      expect([values.avatar, problems]).toEqual([undefined, undefined]);
      expect((await solve({ avatar: file(z.file(), { optional: true }) }, request())).problems).toBeUndefined();
      expect((await solve({ avatar: file(z.file().optional()) }, request())).problems).toBeUndefined();
    }
  });

  test("is not text", async () => {
    const { problems } = await solve(
      { avatar: file({ optional: true }) },
      postForm(multipart({ name: "avatar", content: "meow" })),
    );
    expect(problems).toEqual([
      { type: "value_error", loc: ["body", "avatar"], msg: "Expected a file, but got text", input: "meow" },
    ]);
    const secret = await solve(
      { avatar: file({ secret: true }) },
      postForm(multipart({ name: "avatar", content: "meow" })),
    );
    expect(JSON.stringify(secret.problems)).not.toContain("meow");
  });

  test("is checked by its schema", async () => {
    const text = multipart({ name: "avatar", filename: "a.txt", type: "text/plain", content: "x" });
    for (const schema of [z.file().mime("image/png"), v.pipe(v.file(), v.mimeType(["image/png"]))]) {
      const { problems, scope } = await solve({ avatar: file(schema) }, postForm(text));
      expect(problems).toMatchObject([
        { loc: ["body", "avatar"], input: { name: "a.txt", type: "text/plain", size: 1 } },
      ]);
      scope.tasks.end();
      await scope.tasks.settled;
    }
    const { values, scope } = await solve(
      {
        avatar: file(
          z
            .file()
            .mime("text/plain")
            .transform(({ size }) => size),
        ),
      },
      postForm(text),
    );
    expect(values.avatar).toBe(1);
    scope.tasks.end();
    await scope.tasks.settled;
  });

  test("that comes twice is a problem", async () => {
    const body = multipart(
      { name: "avatar", filename: "a", content: "1" },
      { name: "avatar", filename: "b", content: "2" },
      { name: "avatar", filename: "c" },
    );
    const { problems, scope } = await solve({ avatar: file() }, postForm(body));
    expect(problems).toEqual([
      { type: "value_error", loc: ["body", "avatar"], msg: "Expected at most 1 file", input: "b" },
    ]);
    scope.tasks.end();
    await scope.tasks.settled;
  });

  test("of a wrong type is refused with 415, the field and what is right", async () => {
    const body = multipart({ name: "avatar", filename: "a.exe", type: "application/x-msdownload", content: "MZ" });
    expect(await exceptionOf(solve({ avatar: file({ types: ["image/*", ".pdf"] }) }, postForm(body)))).toMatchObject({
      status: 415,
      detail: 'File "avatar" must be of type image/* or .pdf, but got "application/x-msdownload" named "a.exe".',
    });
    const nameless = multipart({ name: "avatar", filename: "", type: "application/octet-stream", content: "MZ" });
    expect(await exceptionOf(solve({ avatar: file({ types: ["image/*"] }) }, postForm(nameless)))).toMatchObject({
      status: 415,
    });
  });

  test("that is too large is refused with 413, the field and the limit, and nothing is left", async () => {
    const body = (bytes: number) => multipart({ name: "avatar", filename: "a", content: "x".repeat(bytes) });
    await receive(body(5), ({ size }) => expect(size).toBe(5), file({ maxBytes: 5 }));
    expect(await exceptionOf(solve({ avatar: file({ maxBytes: 5 }) }, postForm(body(6))))).toMatchObject({
      status: 413,
      detail: 'File "avatar" is larger than 5 bytes.',
    });
    expect(
      await exceptionOf(solve({ avatar: file({ maxBytes: 2 * mebibyte }) }, postForm(body(2 * mebibyte + 1)))),
    ).toMatchObject({ status: 413 });
    expect(await exceptionOf(solve({ avatar: file() }, postForm(body(10 * mebibyte + 1))))).toMatchObject({
      detail: 'File "avatar" is larger than 10485760 bytes.',
    });
  });

  test("is refused before it is read where the form says that it is too long", async () => {
    let asked = 0;
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: () => void asked++ }, { highWaterMark: 0 });
    const error = await exceptionOf(
      solve({ avatar: file({ maxBytes: 1_000 }) }, postForm(stream, { "content-length": "5000000" })),
    );
    expect(error).toMatchObject({
      status: 413,
      detail: 'The form is too large. Its text may have 1048576 bytes together, file "avatar" 1000 bytes.',
    });
    expect(asked).toBe(0);
  });

  test("that nobody declared is a problem and is kept nowhere", async () => {
    const body = multipart(
      { name: "avatar", filename: "a", content: "x" },
      { name: "evil", filename: "evil.sh", content: "y".repeat(1_900_000) },
      { name: "evil", filename: "2" },
    );
    const { problems, scope } = await solve({ avatar: file({ maxBytes: 2 * mebibyte }) }, postForm(body));
    expect(problems).toEqual([
      {
        type: "value_error",
        loc: ["body", "evil"],
        msg: 'No file is expected under this name; expected are "avatar"',
        input: "evil.sh",
      },
    ]);
    expect(await temporary.list()).toEqual([]);
    scope.tasks.end();
    await scope.tasks.settled;
    const none = await solve({ data: form() }, postForm(body.replaceAll("avatar", "__proto__")), {
      maxBodyBytes: 3 * mebibyte,
    });
    expect(none.problems).toMatchObject([
      { loc: ["body", "__proto__"] },
      { msg: "No file is expected under this name; expected are none" },
    ]);
  });

  test("that nobody declared is not read without end", async () => {
    const chunk = new Uint8Array(65_536).fill(120);
    let sent = 0;
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (sent === 0)
          controller.enqueue(
            new TextEncoder().encode(
              `--${boundary}\r\nContent-Disposition: form-data; name="evil"; filename="e"\r\n\r\n`,
            ),
          );
        sent += chunk.byteLength;
        controller.enqueue(chunk);
      },
    });
    expect(await exceptionOf(solve({ avatar: file({ maxBytes: mebibyte }) }, postForm(stream)))).toMatchObject({
      status: 413,
    });
    expect(sent).toBeLessThan(4 * mebibyte);
  });

  test("that breaks off is refused with 400, and nothing is left", async () => {
    for (const bytes of [10, 2 * mebibyte]) {
      const body = multipart({ name: "avatar", filename: "a", content: "x".repeat(bytes) });
      expect(await exceptionOf(solve({ avatar: file() }, postForm(body.slice(0, -8))))).toMatchObject({ status: 400 });
      const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(body.slice(0, -20)));
        },
        pull: (controller) => controller.error(new Error("ECONNRESET")),
      });
      expect(await exceptionOf(solve({ avatar: file() }, postForm(broken)))).toMatchObject({
        status: 400,
        detail: "The body of the request ended early.",
      });
    }
  });

  test("for which the disk has no room is answered with 507, and nothing is left", async () => {
    const handle = await open(join(process.env.TMPDIR!, "probe"), "w");
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    await import("node:fs/promises").then(({ rm }) => rm(join(process.env.TMPDIR!, "probe")));
    const body = multipart({ name: "avatar", filename: "a", content: "x".repeat(3 * mebibyte) });
    vi.spyOn(prototype, "writeFile").mockRejectedValueOnce(Object.assign(new Error("full"), { code: "ENOSPC" }));
    expect(await exceptionOf(solve({ avatar: file() }, postForm(body)))).toMatchObject({
      status: 507,
      detail: "There is no room to store the upload.",
    });
  });

  test("is taken in no faster than the disk takes it", async () => {
    const handle = await open(join(process.env.TMPDIR!, "probe"), "w");
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    await import("node:fs/promises").then(({ rm }) => rm(join(process.env.TMPDIR!, "probe")));
    let sent = 0;
    let release = (): void => {};
    const { writeFile } = prototype;
    vi.spyOn(prototype, "writeFile").mockImplementationOnce(async function (this: typeof handle, ...args) {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return writeFile.apply(this, args);
    });
    const chunk = new Uint8Array(65_536).fill(120);
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull(controller) {
          if (sent === 0)
            controller.enqueue(
              new TextEncoder().encode(
                `--${boundary}\r\nContent-Disposition: form-data; name="avatar"; filename="e"\r\n\r\n`,
              ),
            );
          sent += chunk.byteLength;
          if (sent <= 8 * mebibyte) controller.enqueue(chunk);
          else {
            controller.enqueue(new TextEncoder().encode(`\r\n--${boundary}--\r\n`));
            controller.close();
          }
        },
      },
      { highWaterMark: 0 },
    );
    const solved = solve({ avatar: file() }, postForm(stream));
    await expect.poll(() => sent).toBeGreaterThan(mebibyte);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sent).toBeLessThan(2 * mebibyte);
    release();
    const { values, scope } = await solved;
    expect((values.avatar as Upload).size).toBe(8 * mebibyte);
    scope.tasks.end();
    await scope.tasks.settled;
  });
});

describe("file() over a socket", () => {
  test("is received, refused and cleaned up by a real server", async () => {
    const server = await serveParams({ avatar: file({ maxBytes: 4 * mebibyte }) }, async ({ avatar }) => {
      const upload = avatar as Upload;
      return { name: upload.name, size: upload.size, length: (await upload.text()).length };
    });
    const send = (bytes: number) => {
      const data = new FormData();
      data.append("avatar", new File(["x".repeat(bytes)], "a.txt"));
      return fetch(server.url, { method: "POST", body: data });
    };
    expect(await (await send(3 * mebibyte)).json()).toEqual({
      name: "a.txt",
      size: 3 * mebibyte,
      length: 3 * mebibyte,
    });
    await expect.poll(() => temporary.list()).toEqual([]);
    const refused = await send(4 * mebibyte + 1);
    expect([refused.status, await refused.json()]).toEqual([
      413,
      { detail: `File "avatar" is larger than ${4 * mebibyte} bytes.` },
    ]);
    await expect.poll(() => temporary.list()).toEqual([]);
    await server.close();
  });

  test("leaves nothing when the client goes away in the middle", async () => {
    const server = await serveParams({ avatar: file() }, () => "never");
    for (const length of ["Content-Length: 9000000", "Transfer-Encoding: chunked"]) {
      const isChunked = length.startsWith("T");
      const socket = connect(server.port, "127.0.0.1");
      const content = `--${boundary}\r\nContent-Disposition: form-data; name="avatar"; filename="e"\r\n\r\n${"x".repeat(3 * mebibyte)}`;
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${multipartType}\r\n${length}\r\n\r\n`);
      socket.write(isChunked ? `${content.length.toString(16)}\r\n${content}\r\n` : content);
      await expect.poll(() => temporary.list()).toHaveLength(2);
      socket.destroy();
      await expect.poll(() => server.errors.length).toBe(isChunked ? 2 : 1);
      expect(server.errors.at(-1)).toMatchObject({ status: 400 });
      expect(await temporary.list()).toEqual([]);
    }
    await server.close();
  });
});
