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
  celery: ["internal"],
  brokers: ["internal", "tasks", "celery"],
  responses: ["internal", "background", "tasks"],
  security: ["internal", "dependencies", "params"],
  websocket: ["internal"],
  telemetry: ["internal", "tasks"],
  openapi: ["internal", "dependencies", "params", "security"],
  app: [
    "internal",
    "background",
    "dependencies",
    "params",
    "tasks",
    "worker",
    "brokers",
    "responses",
    "security",
    "openapi",
    "websocket",
  ],
  adapters: ["internal", "background", "dependencies", "tasks", "responses", "app"],
  dashboard: ["internal", "background", "dependencies", "params", "tasks", "brokers", "responses", "app"],
  testing: ["internal", "background", "tasks", "worker", "app", "websocket"],
  cli: ["internal", "dependencies", "tasks", "worker", "brokers", "security", "app", "dashboard"],
  "index.ts": [
    "internal",
    "background",
    "dependencies",
    "params",
    "tasks",
    "worker",
    "brokers",
    "responses",
    "security",
    "websocket",
    "app",
  ],
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
    const reached = new Set([join(src, "index.ts")]);
    for (const file of reached) for (const { to } of valueImports(file)) reached.add(join(src, to));
    expect(reached.size).toBeGreaterThan(100);
    expect([...reached].filter((file) => file.endsWith("-store.ts"))).toEqual([]);
    const outside = [...reached]
      .flatMap((file) =>
        Array.from(
          readFileSync(file, "utf8").matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+"([^."][^"]*)"/gm),
          ([, specifier]) => specifier!,
        ),
      )
      .filter((specifier) => !specifier.startsWith("node:"));
    expect(
      [...new Set(outside)].filter((specifier) => !/^(hono|@hono\/node-server|croner)(\/|$)/.test(specifier)),
    ).toEqual([]);
  });
});
