import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const folder = join(root, ".cache/snippets");

interface Snippet {
  readonly where: string;
  readonly code: string;
}

function fromMarkdown(file: string): Snippet[] {
  const text = readFileSync(join(root, file), "utf8");
  return Array.from(text.matchAll(/^```ts\n(.*?)^```/gms), (match) => toSnippet(file, text, match.index, match[1]!));
}

function fromDocstrings(file: string): Snippet[] {
  const text = readFileSync(join(root, file), "utf8");
  return Array.from(text.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```/gms), (match) =>
    toSnippet(file, text, match.index, match[1]!.replaceAll(/^ *\* ?/gm, "")),
  );
}

function toSnippet(file: string, text: string, index: number, code: string): Snippet {
  return { where: `${file}:${text.slice(0, index).split("\n").length}`, code };
}

it("every example in the docs and in docstrings compiles as it stands", { timeout: 60_000 }, () => {
  const snippets = [
    ...globSync(["*.md", "docs/**/*.md"], { cwd: root }).flatMap(fromMarkdown),
    ...globSync("src/**/*.ts", { cwd: root }).flatMap(fromDocstrings),
  ];
  expect(snippets.length).toBeGreaterThan(30);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "app.ts"), 'import { App } from "afterword";\nexport default new App();\n');
  const names = snippets.map(({ where, code }, index) => {
    const name = `snippet-${index}.ts`;
    writeFileSync(join(folder, name), `// ${where}\n${code}\nexport {};\n`);
    return name;
  });
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.json", include: [...names, "app.ts"], exclude: [] }),
  );
  const errors = compile();
  const readable = errors.replaceAll(
    /snippet-(\d+)\.ts\((\d+)/g,
    (_, index, line) => `${snippets[Number(index)]!.where} (+${Number(line) - 1}`,
  );
  expect(readable).toBe("");
});

function compile(): string {
  try {
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", join(folder, "tsconfig.json"), "--pretty", "false"], {
      cwd: folder,
      encoding: "utf8",
      stdio: "pipe",
    });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
