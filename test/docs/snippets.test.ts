import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { pathOf, readBlocks, root } from "./read-blocks.ts";

const folder = join(root, ".cache/snippets");

interface Snippet {
  readonly where: string;
  readonly code: string;
  /** Relative to `folder`. */
  readonly path: string;
}

function fromDocstrings(file: string): Snippet[] {
  const text = readFileSync(join(root, file), "utf8");
  return Array.from(text.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```/gms), (match) => {
    const line = text.slice(0, match.index).split("\n").length;
    const code = match[1]!.replaceAll(/^ *\* ?/gm, "");
    return { where: `${file}:${line}`, code, path: `${file.replaceAll(/[^\w-]+/g, "-")}/line-${line}.ts` };
  });
}

it("every example in the docs and in docstrings compiles as it stands", { timeout: 120_000 }, () => {
  const snippets: Snippet[] = [
    ...readBlocks("*.md", "docs/**/*.md")
      .filter(({ language }) => language === "ts")
      .map((block) => ({ where: block.where, code: block.code, path: pathOf(block) })),
    ...globSync("src/**/*.ts", { cwd: root }).flatMap(fromDocstrings),
  ];
  expect(snippets.length).toBeGreaterThan(30);
  rmSync(folder, { recursive: true, force: true });
  const paths = new Set(snippets.map(({ path }) => path));
  for (const { where, code, path } of snippets) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `// ${where}\n${code}\nexport {};\n`);
    // A test imports the app that it tests, which the page may have shown elsewhere.
    const appPath = join(dirname(path), "app.ts");
    if (code.includes('"./app.ts"') && !paths.has(appPath))
      writeFileSync(join(folder, appPath), 'import { App } from "afterword";\nexport default new App();\n');
  }
  const extending = "../../tsconfig.json";
  const nest = snippets.filter(({ code }) => code.includes("@nestjs/")).map(({ path }) => path);
  const next = snippets.filter(({ where }) => where.includes("frameworks/next.md")).map(({ path }) => path);
  write("tsconfig.json", { extends: extending, include: ["**/*.ts"], exclude: [...nest, ...next] });
  // As `nest new` has it.
  const decorating = { experimentalDecorators: true, emitDecoratorMetadata: true, erasableSyntaxOnly: false };
  write("nest.json", { extends: extending, compilerOptions: decorating, files: nest, include: [] });
  // As `create-next-app` has it.
  const bundled = { module: "esnext", moduleResolution: "bundler" };
  write("next.json", { extends: extending, compilerOptions: bundled, files: next, include: [] });
  const places = new Map(snippets.map(({ path, where }) => [path, where]));
  const readable = ["tsconfig.json", "nest.json", "next.json"]
    .map(compile)
    .join("")
    .replaceAll(
      /^(\S+\.ts)\((\d+)/gm,
      (_, path: string, line: string) => `${places.get(path) ?? path} (+${Number(line) - 1}`,
    );
  expect(readable).toBe("");
});

function write(project: string, content: object): void {
  writeFileSync(join(folder, project), JSON.stringify(content));
}

function compile(project: string): string {
  try {
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", join(folder, project), "--pretty", "false"], {
      cwd: folder,
      encoding: "utf8",
      stdio: "pipe",
    });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
