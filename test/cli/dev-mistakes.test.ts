import { describe, expect, test } from "vitest";
import { keepTidy } from "../support/tidy.ts";
import { waitUntil } from "../support/wait-until.ts";
import { AppFolder, ask, readyMs } from "./app-folder.ts";
import { answer, devApp, serveForDevelopment, type Answer } from "./dev-app.ts";

keepTidy();

/** What is written in place of answer.ts, and what is said of it. */
const mistakes: readonly (readonly [string, string, readonly (string | RegExp)[]])[] = [
  [
    "a syntax error",
    "export const answer = 1;\nexport const b = ;",
    ["answer.ts:2:18\n", "> 2 | export const b = ;\n    |                  ^\n", "SyntaxError", "Expression expected"],
  ],
  [
    "syntax that Node cannot strip",
    "export const answer = 1;\nenum Color { Red }",
    ["answer.ts:2:1\n", "> 2 | enum Color { Red }", "TypeScript enum is not supported in strip-only mode"],
  ],
  [
    "an import of a file that is not there",
    'import { x } from "./nothing/x.ts";\nexport const answer = x;',
    ["answer.ts:1:19\n", '> 1 | import { x } from "./nothing/x.ts";', "Cannot find module", "nothing/x.ts'"],
  ],
  [
    "an import without an ending",
    'export const answer = 1;\nimport "./app";',
    ["answer.ts:2:8\n", "There is app.ts: an import names the file with its ending."],
  ],
  [
    "an import of a package that is not installed",
    'import { x } from "@some/package/x";\nexport const answer = x;',
    ["answer.ts:1:19\n", "Cannot find package '@some/package'", "npm install @some/package"],
  ],
  ["a missing export", "export const other = 1;", ["app.ts:5:10\n", "does not provide an export named 'answer'"]],
  [
    "an error at import",
    'function connect() {\n  throw new TypeError("no address", { cause: new Error("empty") });\n}\nconnect();\nexport const answer = 1;',
    [
      "answer.ts:2:9\n",
      "TypeError: no address",
      "    at answer.ts:4:1\n",
      "Because of:\nanswer.ts:2:46\n",
      "Error: empty",
    ],
  ],
  [
    "a declaration that cannot work",
    'import { App } from "afterword";\nexport const answer = 1;\nnew App().get("no-slash", {}, () => 1);',
    ["answer.ts:3:11\n", '> 3 | new App().get("no-slash"', "no-slash"],
  ],
  [
    "something thrown that is no error",
    'throw "nothing";\nexport const answer = 1;',
    ["Thrown was 'nothing', which is not an error."],
  ],
  [
    "a process that ends itself",
    "export const answer = 1;\nprocess.exit(3);",
    ["The server ended with exit code 3.\n"],
  ],
];

describe("afterword dev shows what is wrong, waits for a change, and recovers from", () => {
  test("whatever a module can do wrong", async () => {
    const { folder, dev, url } = await serveForDevelopment();
    for (const [index, [what, text, messages]] of mistakes.entries()) {
      const shown = dev.process.stderr.length;
      await folder.write("answer.ts", `${text}\n`);
      const waitings = (): number => dev.process.lines.filter((line) => line === "Waiting for a change…").length;
      await waitUntil(() => waitings() === index + 1, { withinMs: readyMs, what: `it waits after ${what}` });
      const said = `${what}\n${dev.process.stderr.slice(shown)}`;
      for (const message of messages) expect(said).toMatch(message);
      expect(said).not.toMatch(/node:internal|\/src\/|node_modules|server-process/);
      await folder.write("answer.ts", answer(String(index)));
      expect(await dev.serving(index + 2)).toBe(url);
      expect((await ask<Answer>(url)).answer).toBe(index);
    }
    expect(dev.process.stderr).not.toContain("did not close");
  }, 240_000);

  test("a missing file when it is made, without a change of any other", async () => {
    const { folder, dev, url } = await serveForDevelopment();
    await folder.write("answer.ts", 'export { answer } from "./nothing/x.ts";\n');
    await dev.complaint(/Cannot find module/);
    await folder.write("nothing/x.ts", answer('"found"'));
    expect(await dev.serving(2)).toBe(url);
    expect((await ask<Answer>(url)).answer).toBe("found");
    expect(dev.changes.at(-1)).toBe("nothing/x.ts has changed.");
  }, 60_000);

  test("a package that is not installed when it is", async () => {
    const { folder, dev, url } = await serveForDevelopment();
    await folder.write("answer.ts", 'export { answer } from "some-package";\n');
    await dev.complaint(/npm install some-package/);
    await folder.write("node_modules/some-package/index.js", answer('"installed"'));
    await folder.write("node_modules/some-package/package.json", '{ "type": "module", "exports": "./index.js" }');
    expect(await dev.serving(2)).toBe(url);
    expect((await ask<Answer>(url)).answer).toBe("installed");
  }, 60_000);

  test.each<[string, string, RegExp]>([
    ["no app in it", "export const server = 1;\n", /^app\.ts must export an App: .* It exports server\.$/m],
    [
      "a lifespan that throws",
      `import { App } from "afterword";
export default new App({
  async *lifespan() {
    throw new Error("no database");
  },
});
`,
      /^app\.ts:4:11\n[\s\S]*> 4 \|[\s\S]*^Error: no database$[\s\S]*^The app of app\.ts could not start: see above\.$/m,
    ],
  ])(
    "a file with %s",
    async (_, text, message) => {
      const folder = await AppFolder.create({ "app.ts": text, "answer.ts": answer("1") });
      const dev = folder.start(["dev", "app.ts", "--port", "0"]);
      await dev.complaint(message);
      await dev.process.line(/^Waiting for a change…$/m);
      expect(dev.process.stderr).not.toMatch(/node:/);
      await folder.write("app.ts", devApp);
      expect((await ask<Answer>(await dev.serving())).answer).toBe(1);
    },
    60_000,
  );

  test("a server that is killed, or that crashes", async () => {
    const { folder, dev, url } = await serveForDevelopment();
    const { pid } = await ask<Answer>(url);
    process.kill(pid, "SIGKILL");
    await dev.complaint(/^The server was killed by SIGKILL\.$/m);
    await folder.write("answer.ts", `setTimeout(() => { throw new Error("later"); }, 100);\n${answer("1")}`);
    await dev.complaint(/^The server ended with exit code 1\.$/m);
    expect(dev.process.stderr).toContain("later");
    await folder.write("answer.ts", answer("2"));
    await waitUntil(async () => (await ask<Answer>(url).catch(() => undefined))?.answer === 2, { withinMs: readyMs });
  }, 60_000);
});
