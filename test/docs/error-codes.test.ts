import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");

it("every code of an AfterwordError has its entry in docs/reference/errors.md", () => {
  const codes = globSync("src/**/*.ts", { cwd: root })
    .filter((file) => !file.endsWith(".test.ts"))
    .flatMap((file) => {
      // Without comments, whose examples may name codes that do not exist yet.
      const code = readFileSync(join(root, file), "utf8").replaceAll(/\/\*.*?\*\//gs, "");
      return Array.from(
        code.matchAll(/(?:new AfterwordError|super)\(\s*"([a-z]+(?:_[a-z]+)+|timeout|canceled|shutdown)"/g),
        (match) => match[1]!,
      );
    });
  const headings = readFileSync(join(root, "docs/reference/errors.md"), "utf8").matchAll(/^### (.+)$/gm);
  const documented = Array.from(headings, (match) => match[1]!.split(", ")).flat();
  expect(codes.length).toBeGreaterThan(10);
  expect([...new Set(codes)].filter((code) => !documented.includes(code))).toEqual([]);
});
