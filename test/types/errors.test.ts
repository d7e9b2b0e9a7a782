import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

// Each fixture is a mistake; its first line is a comment with a part of what the compiler must say about it.
const directory = join(import.meta.dirname, "errors");
const fixtures = readdirSync(directory).filter((name) => name.endsWith(".ts"));

/** A longer explanation is one that nobody reads: the type that it talks about should be simpler. */
const maxChars = 1_700;

/** What the compiler says, by file. */
let said: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  said = parseDiagnostics(await compile(join(directory, "tsconfig.json")));
}, 60_000);

test("the compiler speaks of the fixtures and of nothing else", () => {
  expect([...said.keys()].toSorted()).toEqual(fixtures.toSorted());
});

describe("the compiler explains", () => {
  test.each(fixtures)("%s", (name) => {
    const [firstLine = ""] = readFileSync(join(directory, name), "utf8").split("\n");
    expect(firstLine).toMatch(/^\/\/ ./);
    const diagnostics = said.get(name) ?? [];
    expect(diagnostics.join("\n")).toContain(firstLine.slice("// ".length));
    expect(diagnostics.filter((text) => text.length > maxChars)).toEqual([]);
  });
});

/** What `tsc` prints. It ends with exit code 2, because everything here is wrong. */
function compile(project: string): Promise<string> {
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [tsc, "-p", project, "--pretty", "false"],
      { cwd: directory },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== "number") reject(error);
        else if (stderr !== "") reject(new Error(stderr));
        else resolve(stdout);
      },
    );
  });
}

/** `name.ts(1,2): error TS1234: text`, and lines that start with spaces and belong to the one above. */
function parseDiagnostics(output: string): ReadonlyMap<string, readonly string[]> {
  const diagnostics = new Map<string, string[]>();
  for (const text of output.trimEnd().split(/\n(?! )/)) {
    const name = /^(.+?)\(\d+,\d+\): error /.exec(text)?.[1] ?? text;
    diagnostics.set(name, [...(diagnostics.get(name) ?? []), text]);
  }
  return diagnostics;
}
