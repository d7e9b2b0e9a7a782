import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type } from "arktype";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { useTemporaryDirectory, type TemporaryDirectory } from "./scope.fixture.ts";
import { Spool } from "./spool.ts";
import { UploadFolder } from "./upload-folder.ts";
import type { Upload } from "./upload.ts";

let temporary: TemporaryDirectory;
let folder: UploadFolder;
let target: string;

beforeEach(async () => {
  target = await mkdtemp(join(tmpdir(), "upload-test-"));
  temporary = await useTemporaryDirectory();
  folder = new UploadFolder();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await folder.remove();
  await temporary.remove();
  await rm(target, { recursive: true });
});

async function upload(bytes: number, name = "a.bin"): Promise<Upload> {
  const spool = new Spool(folder);
  for (let left = bytes; left > 0; left -= 65_536) await spool.write(new Uint8Array(Math.min(left, 65_536)).fill(97));
  await spool.close();
  return spool.toUpload(name, "text/plain");
}

const small = 100;
const large = 3 * 2 ** 20 + 5;

describe.each([
  ["in memory", small],
  ["on disk", large],
])("an upload %s", (_where, bytes) => {
  test("is a File that reads like one", async () => {
    const file = await upload(bytes);
    expect(file).toBeInstanceOf(File);
    expect({ name: file.name, type: file.type, size: file.size }).toEqual({
      name: "a.bin",
      type: "text/plain",
      size: bytes,
    });
    expect((await file.text()) === "a".repeat(bytes)).toBe(true);
    expect((await file.arrayBuffer()).byteLength).toBe(bytes);
    expect((await file.bytes()).byteLength).toBe(bytes);
    expect(await file.slice(1, 4).text()).toBe("aaa");
    let streamed = 0;
    for await (const chunk of file.stream()) streamed += chunk.byteLength;
    expect(streamed).toBe(bytes);
  });

  test("fits what takes files", async () => {
    const file = await upload(bytes);
    for (const schema of [z.file().mime("text/plain"), v.pipe(v.file(), v.mimeType(["text/plain"])), type("File")])
      expect(await schema["~standard"].validate(file)).toHaveProperty("value", file);
    const form = new FormData();
    form.append("file", file);
    expect((await new Response(form).arrayBuffer()).byteLength).toBeGreaterThan(bytes);
    expect((await new Response(file).arrayBuffer()).byteLength).toBe(bytes);
  });

  test("is saved to a path or a file URL, in place of what was there", async () => {
    const file = await upload(bytes);
    await writeFile(join(target, "b"), "old");
    await file.saveTo(join(target, "a"));
    await file.saveTo(pathToFileURL(join(target, "b")));
    expect((await readdir(target)).toSorted()).toEqual(["a", "b"]);
    for (const name of ["a", "b"]) expect((await readFile(join(target, name))).byteLength).toBe(bytes);
    expect(await file.slice(0, 1).text()).toBe("a");
    await writeFile(join(target, "plain"), "");
    expect((await stat(join(target, "a"))).mode).toBe((await stat(join(target, "plain"))).mode);
  });

  test("leaves nothing half-written where saving fails", async () => {
    const file = await upload(bytes);
    await expect(file.saveTo(join(target, "none", "a"))).rejects.toMatchObject({ code: "ENOENT" });
    await expect(file.saveTo(target)).rejects.toMatchObject({ syscall: "rename" });
    expect(await readdir(target)).toEqual([]);
    expect((await readdir(join(target, ".."))).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  test("is gone after its removal, and says so", async () => {
    const file = await upload(bytes, "cat.png");
    await folder.remove();
    const gone = {
      code: "upload_gone",
      message: expect.stringMatching(/^Upload "cat\.png" cannot be read any more: .*saveTo\(\)\.$/) as string,
    };
    await expect(file.text()).rejects.toMatchObject(gone);
    await expect(file.bytes()).rejects.toMatchObject(gone);
    await expect(file.arrayBuffer()).rejects.toMatchObject(gone);
    await expect(file.saveTo(join(target, "a"))).rejects.toMatchObject(gone);
    expect(() => file.stream()).toThrow(expect.objectContaining({ code: "upload_gone" }));
    expect(() => file.slice(0)).toThrow(expect.objectContaining({ code: "upload_gone" }));
    expect(file.size).toBe(bytes);
  });
});

describe("the folder of uploads", () => {
  test("is not made for what stays in memory", async () => {
    await upload(2 ** 20);
    expect(await temporary.list()).toEqual([]);
  });

  test("is for this user only, with names that are not the client's", async () => {
    await upload(large, "../../evil.sh");
    await upload(large);
    const entries = await temporary.list();
    const [directory] = entries.filter((entry) => !entry.includes("/"));
    expect(entries.toSorted()).toEqual([directory, `${directory}/0`, `${directory}/1`]);
    expect((await stat(join(process.env.TMPDIR!, directory!))).mode & 0o777).toBe(0o700);
    expect((await stat(join(process.env.TMPDIR!, directory!, "0"))).mode & 0o777).toBe(0o600);
  });

  test("is removed again without harm", async () => {
    await upload(large);
    await folder.remove();
    await expect(folder.remove()).resolves.toBeUndefined();
  });

  test("says with 507 when the disk is full, and other errors as they are", async () => {
    const { handle } = await folder.createFile();
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    for (const [code, wanted] of [
      ["ENOSPC", { status: 507 }],
      ["EDQUOT", { status: 507 }],
      ["EIO", { code: "EIO" }],
    ] as const) {
      vi.spyOn(prototype, "writeFile").mockRejectedValueOnce(Object.assign(new Error(code), { code }));
      await expect(upload(large)).rejects.toMatchObject(wanted);
    }
  });

  test("cannot be made where there is no temporary directory", async () => {
    process.env.TMPDIR = "/nowhere";
    try {
      await expect(upload(large)).rejects.toMatchObject({ code: "ENOENT" });
      await folder.remove();
    } finally {
      process.env.TMPDIR = tmpdir();
    }
  });
});
