import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const src = resolve(import.meta.dirname, "../../src");

/** What each folder of src/ may import values from, besides itself. Types may come from anywhere. */
const allowed: Record<string, readonly string[]> = {
  internal: [],
  background: ["internal"],
  dependencies: ["internal", "background"],
  params: ["internal", "background", "dependencies"],
  tasks: ["internal", "background", "dependencies"],
  worker: ["internal", "background", "tasks"],
  brokers: ["internal", "tasks"],
  responses: ["internal", "background", "tasks"],
  app: ["internal", "background", "dependencies", "params", "tasks", "worker", "brokers", "responses"],
  testing: ["internal", "background", "tasks", "worker", "app"],
  cli: ["internal", "tasks", "worker", "brokers", "app"],
  "index.ts": ["internal", "background", "dependencies", "params", "tasks", "worker", "brokers", "responses", "app"],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function* sourceFiles(folder = src): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (path.endsWith(".ts") && !/\.(test|fixture)\.ts$/.test(path)) yield path;
  }
}

function valueImports(file: string): Import[] {
  const text = readFileSync(file, "utf8");
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)([^;]*?)\s*from\s+"(\.[^"]+)"/gms);
  return Array.from(statements)
    .filter(([, names]) => !/^\{(?:\s*type\s+[\w\s]+,?)+\s*\}$/.test(names!))
    .map(([, , specifier]) => ({ from: relative(src, file), to: relative(src, resolve(dirname(file), specifier!)) }));
}

const imports = Array.from(sourceFiles(), valueImports).flat();
const folderOf = (path: string): string => path.split("/")[0]!;

describe("the house", () => {
  it("has only arrows that ARCHITECTURE.md allows", () => {
    const wrong = imports
      .filter(
        ({ from, to }) => folderOf(from) !== folderOf(to) && !(allowed[folderOf(from)] ?? []).includes(folderOf(to)),
      )
      .map(
        ({ from, to }) =>
          `${from} → ${to}: ${folderOf(from)}/ may import values from ${allowed[folderOf(from)]?.join(", ") || "nothing of ours"} only`,
      );
    expect(wrong).toEqual([]);
  });

  it("has no circle of value imports", () => {
    const graph = Map.groupBy(imports, ({ from }) => from);
    const state = new Map<string, "open" | "done">();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (state.get(file) === "done") return;
      if (state.get(file) === "open") {
        circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
        return;
      }
      state.set(file, "open");
      for (const { to } of graph.get(file) ?? []) visit(to, [...path, file]);
      state.set(file, "done");
    };
    for (const file of graph.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  it("keeps out of src/index.ts whatever is optional", () => {
    const outside = Array.from(sourceFiles(), (file) =>
      readFileSync(file, "utf8").matchAll(/^(?:import|export)[^;]*?from\s+"([^."][^"]*)"/gm),
    )
      .flatMap((matches) => Array.from(matches, ([, specifier]) => specifier!))
      .filter((specifier) => !specifier.startsWith("node:"));
    expect(
      [...new Set(outside)].filter(
        (specifier) =>
          !/^(hono|@hono\/node-server|@fastify\/busboy|@standard-schema\/spec|croner|commander)(\/|$)/.test(specifier),
      ),
    ).toEqual([]);
  });
});
