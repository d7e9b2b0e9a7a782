import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { AppFolder, ask, isAlive, readyMs } from "./app-folder.ts";
import { answer, devApp, serveForDevelopment, type Answer } from "./dev-app.ts";

keepTidy();

async function readToEnd(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

describe("afterword dev", () => {
  test("says where it serves, where the docs are and how long that took, and ends with 0 on SIGTERM", async () => {
    const { dev, url } = await serveForDevelopment();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(dev.process.stdout).toMatch(
      /^lifespan starts\nServing at (\S+) {2}· {2}docs at \1\/docs {2}\(started in [\d.]+ m?s\)\n$/,
    );
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    dev.process.signal("SIGTERM");
    expect((await dev.process.exit()).code).toBe(0);
    expect(dev.process.lines.at(-1)).toBe("lifespan ends");
    expect(dev.process.complaints).toEqual([]);
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  }, 60_000);

  test("answers anew, on the same port, after a file was written, replaced, or deleted and made again", async () => {
    const { folder, dev, url } = await serveForDevelopment();
    const first = await ask<Answer>(url);
    expect(first.answer).toBe(1);

    await folder.write("answer.ts", answer("2"));
    expect(await dev.serving(2)).toBe(url);
    const second = await ask<Answer>(url);
    expect(second.answer).toBe(2);
    expect(second.pid).not.toBe(first.pid);
    expect(isAlive(first.pid)).toBe(false);

    await folder.replace("answer.ts", answer("3"));
    expect(await dev.serving(3)).toBe(url);
    expect((await ask<Answer>(url)).answer).toBe(3);

    await folder.remove("answer.ts");
    await dev.complaint(/Cannot find module/);
    await folder.write("answer.ts", answer("4"));
    expect(await dev.serving(4)).toBe(url);
    expect((await ask<Answer>(url)).answer).toBe(4);
    expect(dev.changes).toEqual(Array(4).fill("answer.ts has changed."));
  }, 120_000);

  test("cuts a stream of an open page rather than wait for it, at a reload and at the end", async () => {
    const { folder, dev, url } = await serveForDevelopment();
    for (const times of [2, 3]) {
      const page = await fetch(`${url}/stream`);
      const reader = page.body!.getReader();
      await reader.read();
      const savedMs = performance.now();
      await folder.write("answer.ts", answer(String(times)));
      await dev.serving(times);
      // Far from the 25 s that it may take in production.
      expect(performance.now() - savedMs).toBeLessThan(15_000);
      await expect(readToEnd(reader)).rejects.toThrow();
    }
    const last = await fetch(`${url}/stream`);
    await last.body!.getReader().read();
    dev.process.signal("SIGTERM");
    expect((await dev.process.exit()).code).toBe(0);
  }, 120_000);

  test("watches JSON, CommonJS and lazily loaded modules as well, in other folders too", async () => {
    const { folder, dev, url } = await serveForDevelopment({
      "answer.ts": `
import { createRequire } from "node:module";
import data from "./data/deep/data.json" with { type: "json" };
const common = createRequire(import.meta.url)("./data/common.cjs");
const { lazy } = await import("./lazy.ts");
export const answer = [data, common, lazy];
`,
      "data/deep/data.json": "1",
      "data/common.cjs": "module.exports = 1;",
      "lazy.ts": "export const lazy = 1;",
    });
    expect((await ask<Answer>(url)).answer).toEqual([1, 1, 1]);
    await folder.write("data/deep/data.json", "2");
    await dev.serving(2);
    await folder.write("data/common.cjs", "module.exports = 2;");
    await dev.serving(3);
    await folder.write("lazy.ts", "export const lazy = 2;");
    await dev.serving(4);
    expect((await ask<Answer>(url)).answer).toEqual([2, 2, 2]);
  }, 120_000);

  test("reloads for .env, and not for what the app writes", async () => {
    const { folder, dev, url } = await serveForDevelopment({
      ".env": "SECRET=old\n",
      "answer.ts": 'process.loadEnvFile(".env");\nexport const answer = 1;\n',
    });
    expect((await ask<Answer>(url)).secret).toBe("old");
    await ask(url, "/files", "POST");
    expect(readdirSync(folder.path)).toContain("app.db-wal");
    await folder.write(".env", "SECRET=new\n");
    await dev.serving(2);
    expect((await ask<Answer>(url)).secret).toBe("new");
    expect(dev.changes).toEqual([".env has changed."]);
  }, 60_000);

  test("lets background tasks end before it reloads once for all that was saved meanwhile", async () => {
    const { folder, dev, url } = await serveForDevelopment();
    await ask(url, "/work", "POST");
    await ask(url, "/work", "POST");
    await folder.write("answer.ts", answer("2"));
    await dev.process.line(/^Waiting for 2 background tasks… \(Ctrl\+C twice ends it at once\)$/m);
    await folder.write("answer.ts", answer("3"));
    // Meanwhile another process can load the app: so could have the next server.
    expect((await runCli(["openapi", "app.ts"], { cwd: folder.path, withinMs: readyMs })).code).toBe(0);
    expect(dev.process.lines.at(-1)).toMatch(/^Waiting for 2/);
    await folder.write("gate");
    expect(await dev.serving(2)).toBe(url);
    expect((await ask<Answer>(url)).answer).toBe(3);
    expect(dev.process.lines.map((line) => line.replace(/^(Serving|Waiting).*/, "$1"))).toEqual([
      "lifespan starts",
      "Serving",
      "task starts",
      "task starts",
      "answer.ts has changed.",
      "Waiting",
      "task ends",
      "task ends",
      "lifespan ends",
      "lifespan starts",
      "Serving",
    ]);
  }, 60_000);

  test("lets jobs in memory, and responses, end before it reloads", async () => {
    const folder = await AppFolder.create({
      "app.ts": `
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { App, task } from "afterword";

async function gate() {
  while (!existsSync("gate")) await delay(5);
}

const hold = task("hold", gate);
const app = new App();
app.post("/work", {}, async () => ({ id: (await hold.enqueue()).id }));
app.get("/slow", {}, async () => {
  console.log("asked");
  await gate();
  return { isDone: true };
});
export default app;
`,
    });
    const dev = folder.start(["dev", "app.ts", "--port", "0"]);
    const url = await dev.serving();
    await ask(url, "/work", "POST");
    await folder.write("app.ts", `${readFileSync(join(folder.path, "app.ts"), "utf8")}// saved`);
    await dev.process.line(/^Waiting for 1 job…/m);
    await folder.write("gate");
    await dev.serving(2);

    await folder.remove("gate");
    const response = ask(url, "/slow");
    await dev.process.line(/^asked$/m);
    await folder.write("app.ts", `${readFileSync(join(folder.path, "app.ts"), "utf8")}, and again`);
    await dev.process.line(/^Waiting for responses and clean-up…/m);
    await folder.write("gate");
    expect(await response).toEqual({ isDone: true });
    await dev.serving(3);
  }, 90_000);

  test("ends with 0 when it is stopped while tasks hold up a reload, as by Ctrl+C in a terminal", async () => {
    const { folder, dev, url } = await serveForDevelopment();
    const { pid } = await ask<Answer>(url, "/work", "POST");
    await folder.write("answer.ts", answer("2"));
    await dev.process.line(/^Waiting for 1 background task…/m);
    // A terminal sends it to all processes.
    process.kill(pid, "SIGINT");
    dev.process.signal("SIGINT");
    await folder.write("gate");
    expect((await dev.process.exit()).code).toBe(0);
    expect(dev.process.lines.slice(-2)).toEqual(["task ends", "lifespan ends"]);
    expect(dev.servings).toHaveLength(1);
    expect(isAlive(pid)).toBe(false);
  }, 60_000);

  test("ends at once with 1 on a second signal", async () => {
    const { dev, url } = await serveForDevelopment();
    const { pid } = await ask<Answer>(url, "/work", "POST");
    dev.process.signal("SIGINT");
    await dev.process.line(/^Waiting for 1 background task… \(Ctrl\+C ends it at once\)$/m);
    expect(dev.process.hasExited).toBe(false);
    dev.process.signal("SIGINT");
    expect((await dev.process.exit()).code).toBe(1);
    await waitUntil(() => !isAlive(pid));
    expect(dev.process.stdout).not.toContain("task ends");
  }, 60_000);

  test("leaves no server behind when it is killed itself: that one closes as on SIGTERM", async () => {
    const { folder, dev, url } = await serveForDevelopment();
    const { pid } = await ask<Answer>(url, "/work", "POST");
    await dev.process.line(/^task starts$/m);
    dev.process.signal("SIGKILL");
    await waitUntil(() => dev.process.hasExited);
    expect(isAlive(pid)).toBe(true);
    await folder.write("gate");
    await waitUntil(() => !isAlive(pid), { withinMs: readyMs });
    await dev.process.line(/^task ends\nlifespan ends$/m);
  }, 60_000);

  test("says that a port is taken, and serves there once it is free and a file was saved", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const folder = await AppFolder.create({ "app.ts": devApp, "answer.ts": answer("1") });
    const dev = folder.start(["dev", "app.ts", "--port", String(port)]);
    try {
      await dev.complaint(
        new RegExp(
          `^Port ${port} of 127\\.0\\.0\\.1 is taken by another program\\. .*, or choose another port: --port`,
          "m",
        ),
      );
      await dev.process.line(/^Waiting for a change…$/m);
    } finally {
      other.close();
    }
    await folder.write("answer.ts", answer("2"));
    expect(await dev.serving()).toBe(`http://127.0.0.1:${port}`);
  }, 60_000);

  test("ends with 1 when there is no such file, rather than wait for it", async () => {
    expect(await runCli(["dev", "missing.ts"], { withinMs: readyMs })).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("missing.ts. Give the file that exports your app") as string,
    });
  }, 60_000);
});
