import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { keepTidy } from "../support/tidy.ts";
import { AppFolder, readyMs } from "./app-folder.ts";

keepTidy();

/** It prints while it is loaded, and begins something that would keep a process alive. */
const app = `
import { App, path } from "afterword";

console.log("loading");
setInterval(() => {}, 1_000);

const app = new App({
  title: "Items",
  async *lifespan() {
    throw new Error("it was opened");
  },
});
app.get("/items/:id", { id: path() }, ({ id }) => ({ id }));
export default app;
`;

describe("afterword openapi", () => {
  test("prints the document and nothing else, and opens nothing", async () => {
    const folder = await AppFolder.create({ "app.ts": app });
    const result = await runCli(["openapi", "app.ts"], { cwd: folder.path, withinMs: readyMs });
    expect(result).toMatchObject({ code: 0, stderr: "loading" });
    const document = JSON.parse(result.stdout) as { info: unknown; paths: object };
    expect(document.info).toMatchObject({ title: "Items" });
    expect(Object.keys(document.paths)).toEqual(["/items/{id}"]);
    expect(result.stdout).toBe(`${JSON.stringify(document, undefined, 2)}\n`);
  }, 60_000);

  test("writes the same to a file with -o, and prints nothing", async () => {
    const folder = await AppFolder.create({ "app.ts": app });
    const [printed, written] = await Promise.all([
      runCli(["openapi", "app.ts"], { cwd: folder.path, withinMs: readyMs }),
      runCli(["openapi", "app.ts", "-o", "openapi.json"], { cwd: folder.path, withinMs: readyMs }),
    ]);
    expect(written).toMatchObject({ code: 0, stdout: "" });
    expect(readFileSync(join(folder.path, "openapi.json"), "utf8")).toBe(printed.stdout);
  }, 60_000);

  test.each<[string, string, readonly string[], readonly string[]]>([
    ["there is no such file", app, ["missing.ts"], ["There is no file ", "missing.ts"]],
    ["the app cannot be loaded", "nothing();", ["app.ts"], ["app.ts:1:1", "nothing is not defined", "see above."]],
    ["the file cannot be written", app, ["app.ts", "-o", "no/such/folder.json"], ["could not be written", "ENOENT"]],
  ])(
    "ends with 1 and says why, when %s",
    async (_, text, args, messages) => {
      const folder = await AppFolder.create({ "app.ts": text });
      const result = await runCli(["openapi", ...args], { cwd: folder.path, withinMs: readyMs });
      expect(result).toMatchObject({ code: 1, stdout: "" });
      for (const message of messages) expect(result.stderr).toContain(message);
    },
    60_000,
  );
});
