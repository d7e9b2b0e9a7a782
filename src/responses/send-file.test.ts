import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readlink, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { HTTPException } from "../internal/http-exception.ts";
import { sendFile, type SendFileOptions } from "./send-file.ts";
import { toResponse } from "./to-response.ts";

let dir: string;
const digits = "0123456789";
const large = 300_000;
const modifiedAt = new Date("2026-03-01T12:00:00.500Z");

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "afterword-send-file-"));
  await mkdir(join(dir, "root", "sub", ".git"), { recursive: true });
  await mkdir(join(dir, "root-beside"));
  const contents: [string, string | Uint8Array][] = [
    ["root/digits.txt", digits],
    ["root/empty.bin", ""],
    ["root/large.bin", new Uint8Array(large).map((_, index) => index % 251)],
    ["root/.env", "SECRET=1"],
    ["root/sub/.git/config", "[core]"],
    ["root/sub/page.html", "<p>"],
    ["root/..double", "dots"],
    ["root/noextension", "?"],
    ["root-beside/secret.txt", "secret"],
    ["secret.txt", "secret"],
  ];
  for (const [name, content] of contents) {
    await writeFile(join(dir, name), content);
    await utimes(join(dir, name), modifiedAt, modifiedAt);
  }
  await symlink(join(dir, "secret.txt"), join(dir, "root/leak.txt"));
  await symlink(dir, join(dir, "root/up"));
  await symlink("digits.txt", join(dir, "root/inner.txt"));
  await symlink("loop", join(dir, "root/loop"));
  await symlink("root", join(dir, "linked-root"));
});

afterAll(() => rm(dir, { recursive: true }));

/** The open files of this process that lie in the test's directory. */
async function openFiles(): Promise<string[]> {
  const found: string[] = [];
  for (const fd of await readdir("/proc/self/fd")) {
    const target = await readlink(`/proc/self/fd/${fd}`).catch(() => "");
    if (target.startsWith(dir)) found.push(target);
  }
  return found;
}

const isLinux = process.platform === "linux";

afterEach(async () => {
  const left = isLinux ? await openFiles() : [];
  if (left.length > 0) throw new Error(`Files were left open: ${left.join(", ")}`);
});

async function send(
  path: string | URL,
  init?: SendFileOptions,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Response> {
  return toResponse(sendFile(path, init), { status: 200 }, new Request("http://localhost/", { method, headers }));
}

const inRoot = (name: string): string => join(dir, "root", name);

describe("sendFile", () => {
  it("sends a file with its type, length, time and tag", async () => {
    const response = await send(inRoot("digits.txt"));
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      "accept-ranges": "bytes",
      "content-length": "10",
      "content-type": "text/plain; charset=utf-8",
      etag: expect.stringMatching(/^"[0-9a-z]+-[0-9a-z]+"$/),
      "last-modified": "Sun, 01 Mar 2026 12:00:00 GMT",
    });
    expect(await response.text()).toBe(digits);
  });

  it.each([
    ["sub/page.html", {}, "text/html; charset=utf-8"],
    ["noextension", {}, "application/octet-stream"],
    ["noextension", { filename: "plan.pdf" }, "application/pdf"],
    ["digits.txt", { filename: "plan" }, "text/plain; charset=utf-8"],
    ["digits.txt", { headers: { "Content-Type": "text/csv" } }, "text/csv"],
  ])("sends %s with %j as %s", async (name, init, type) => {
    const response = await send(inRoot(name), init);
    expect(response.headers.get("content-type")).toBe(type);
    await response.body?.cancel();
  });

  it("streams a large file, chunk by chunk and byte for byte", async () => {
    const response = await send(inRoot("large.bin"));
    expect(response.headers.get("content-length")).toBe(String(large));
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(bytes.length).toBe(large);
    expect(bytes.every((byte, index) => byte === index % 251)).toBe(true);
  });

  it("sends an empty file", async () => {
    const response = await send(inRoot("empty.bin"));
    expect(response.headers.get("content-length")).toBe("0");
    expect((await response.arrayBuffer()).byteLength).toBe(0);
  });

  it("takes a URL, also as the root", async () => {
    expect(await (await send(pathToFileURL(inRoot("digits.txt")))).text()).toBe(digits);
    expect(await (await send("digits.txt", { root: pathToFileURL(join(dir, "root")) })).text()).toBe(digits);
  });

  it.runIf(isLinux)("closes the file when the reader leaves in the middle", async () => {
    const reader = (await send(inRoot("large.bin"))).body!.getReader();
    await reader.read();
    expect(await openFiles()).toEqual([inRoot("large.bin")]);
    const waiting = reader.read();
    await reader.cancel();
    await waiting;
  });

  it("fails, and closes the file, when it became shorter meanwhile", async () => {
    const path = join(dir, "shrinking.bin");
    await writeFile(path, new Uint8Array(large));
    const reader = (await send(path)).body!.getReader();
    await reader.read();
    await truncate(path, 70_000);
    await reader.read();
    await expect(reader.read()).rejects.toMatchObject({ code: "file_changed" });
  });
});

describe("conditions and ranges", () => {
  it("answers a known tag or time with 304, without body and type, but with the user's headers", async () => {
    const init = { headers: { "cache-control": "max-age=60", "content-type": "text/csv" } };
    const whole = await send(inRoot("digits.txt"), init);
    const etag = whole.headers.get("etag")!;
    const lastModified = whole.headers.get("last-modified")!;
    for (const condition of [{ "if-none-match": etag }, { "if-modified-since": lastModified }]) {
      const response = await send(inRoot("digits.txt"), init, condition as Record<string, string>);
      expect(response.status).toBe(304);
      expect(response.body).toBeNull();
      expect(Object.fromEntries(response.headers)).toEqual({
        "accept-ranges": "bytes",
        "cache-control": "max-age=60",
        etag,
        "last-modified": lastModified,
      });
    }
  });

  it("gives another tag to a file of the same size that was written in the same millisecond", async () => {
    const path = join(dir, "changing.txt");
    await writeFile(path, "1");
    await utimes(path, 1_700_000_000.0001, 1_700_000_000.0001);
    const first = (await send(path)).headers.get("etag");
    await utimes(path, 1_700_000_000.0002, 1_700_000_000.0002);
    expect((await send(path)).headers.get("etag")).not.toBe(first);
  });

  it("honors a tag and a time of the user's own", async () => {
    const init = { headers: { ETag: '"v7"', "Last-Modified": "Thu, 01 Jan 1998 00:00:00 GMT" } };
    const response = await send(inRoot("digits.txt"), init);
    expect(response.headers.get("etag")).toBe('"v7"');
    expect(response.headers.get("last-modified")).toBe("Thu, 01 Jan 1998 00:00:00 GMT");
    expect((await send(inRoot("digits.txt"), init, { "if-none-match": '"v7"' })).status).toBe(304);
  });

  it.each([
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=-1", "9", "bytes 9-9/10"],
  ])("sends the range %s", async (range, body, contentRange) => {
    const response = await send(inRoot("digits.txt"), {}, { range });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(contentRange);
    expect(response.headers.get("content-length")).toBe(String(body.length));
    expect(await response.text()).toBe(body);
  });

  it("streams a large range from its own start", async () => {
    const response = await send(inRoot("large.bin"), {}, { range: "bytes=1000-250999" });
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(bytes.length).toBe(250_000);
    expect(bytes.every((byte, index) => byte === (index + 1000) % 251)).toBe(true);
  });

  it("answers a range behind the end with 416 and the size", async () => {
    const response = await send(inRoot("digits.txt"), {}, { range: "bytes=10-" });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe("bytes */10");
    expect(await response.json()).toEqual({ detail: "Range Not Satisfiable" });
  });

  it("answers a precondition that does not hold with 412", async () => {
    const response = await send(inRoot("digits.txt"), {}, { "if-match": '"other"' });
    expect(response.status).toBe(412);
    expect(await response.json()).toEqual({ detail: "Precondition Failed" });
  });

  it("sends the whole for several ranges, to a POST, and with a status of its own", async () => {
    expect((await send(inRoot("digits.txt"), {}, { range: "bytes=0-1,3-4" })).status).toBe(200);
    expect((await send(inRoot("digits.txt"), {}, { range: "bytes=0-1" }, "POST")).status).toBe(200);
    const missing = await send(inRoot("digits.txt"), { status: 404 }, { range: "bytes=0-1", "if-none-match": "*" });
    expect(missing.status).toBe(404);
    expect(await missing.text()).toBe(digits);
  });

  it("answers HEAD with the same headers, without opening a stream", async () => {
    const get = await send(inRoot("large.bin"), { filename: "x.bin" });
    const head = await send(inRoot("large.bin"), { filename: "x.bin" }, {}, "HEAD");
    expect(head.body).toBeNull();
    expect([...head.headers]).toEqual([...get.headers]);
    await get.body!.cancel();
  });

  it("never claims a time in the future", async () => {
    const path = join(dir, "future.txt");
    await writeFile(path, "1");
    await utimes(path, 4_000_000_000, 4_000_000_000);
    expect(Date.parse((await send(path)).headers.get("last-modified")!)).toBeLessThanOrEqual(Date.now());
  });
});

describe("the name to save under", () => {
  it("is an attachment's, unless it shall be shown", async () => {
    const disposition = async (init: SendFileOptions): Promise<string | null> =>
      (await send(inRoot("digits.txt"), init)).headers.get("content-disposition");
    expect(await disposition({})).toBeNull();
    expect(await disposition({ filename: "a.txt" })).toBe('attachment; filename="a.txt"');
    expect(await disposition({ filename: "a.txt", inline: true })).toBe('inline; filename="a.txt"');
    expect(await disposition({ inline: true })).toBe("inline");
    expect(await disposition({ filename: "ü.txt" })).toBe(`attachment; filename="_.txt"; filename*=UTF-8''%C3%BC.txt`);
  });
});

describe("what is not sent", () => {
  const notFound = expect.objectContaining({ status: 404, detail: "Not Found" });

  it.each(["missing.txt", "sub", "digits.txt/", "nul\0", "x".repeat(300), "loop"])(
    "answers %j with 404",
    async (name) => {
      const promise = send(`${dir}/root/${name}`);
      await expect(promise).rejects.toBeInstanceOf(HTTPException);
      await expect(promise).rejects.toEqual(notFound);
    },
  );

  it.runIf(process.platform !== "win32")("does not wait for the writer of a named pipe", async () => {
    const pipe = join(dir, "pipe");
    execFileSync("mkfifo", [pipe]);
    await expect(send(pipe)).rejects.toEqual(notFound);
  });

  it.each([
    "../secret.txt",
    "sub/../../secret.txt",
    "../root-beside/secret.txt",
    "/etc/passwd",
    "",
    ".",
    "..",
    "leak.txt",
    "up/secret.txt",
    "up/root/digits.txt/../../secret.txt",
    ".env",
    "sub/.git/config",
    "..double",
    "missing.txt",
    "sub",
  ])("does not find %j within a root", async (name) => {
    await expect(send(name, { root: join(dir, "root") })).rejects.toEqual(notFound);
  });

  it.each(["digits.txt", "sub/../digits.txt", "./sub/../digits.txt", "inner.txt", "up/root/digits.txt"])(
    "finds %j within a root",
    async (name) => {
      expect(await (await send(name, { root: join(dir, "root") })).text()).toBe(digits);
      expect(await (await send(name, { root: join(dir, "linked-root") })).text()).toBe(digits);
    },
  );

  it("finds an absolute path if it lies within the root", async () => {
    expect(await (await send(inRoot("digits.txt"), { root: join(dir, "root") })).text()).toBe(digits);
  });

  it("finds names with a dot in front without a root, or when asked to", async () => {
    expect(await (await send(inRoot(".env"))).text()).toBe("SECRET=1");
    for (const name of [".env", "sub/.git/config", "..double"]) {
      const response = await send(name, { root: join(dir, "root"), dotfiles: true });
      expect(response.status).toBe(200);
      await response.body?.cancel();
    }
  });

  it("answers a root that is not there with 404", async () => {
    await expect(send("digits.txt", { root: join(dir, "nowhere") })).rejects.toEqual(notFound);
  });

  it("refuses a wrong status and a wrong header at once", () => {
    expect(() => sendFile("x", { status: 42 })).toThrow(expect.objectContaining({ code: "invalid_status" }));
    expect(() => sendFile("x", { headers: { "x-a": "a\nb" } })).toThrow(
      expect.objectContaining({ code: "invalid_header" }),
    );
  });
});
