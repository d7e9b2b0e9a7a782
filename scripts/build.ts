/**
 * Builds the package's code into few large files, and its declarations into many. A process that imports the package spends most
 * of its start on finding and reading files: what an app needs at once is one of them, and what it may never need (the store of a
 * broker, the dashboard) is in others, which are loaded when they are asked for.
 *
 *   node scripts/build.ts                         into dist/
 *   node scripts/build.ts --out folder --code     the code alone, elsewhere
 */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "rolldown";

const root = resolve(import.meta.dirname, "..");
const source = join(root, "src");

const { values } = parseArgs({
  options: { out: { type: "string", default: join(root, "dist") }, code: { type: "boolean", default: false } },
});
const target = resolve(values.out);

/** What threads and processes of the package begin with. */
const programs = ["brokers/sqlite/thread", "worker/threads/thread", "cli/server/server-process", "cli/main"];

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
};
const exported = Object.values(manifest.exports).flatMap((entry) =>
  typeof entry === "string" ? [] : relative("src", entry["afterword-source"]!).replace(/\.ts$/, ""),
);

rmSync(target, { recursive: true, force: true });
await build({
  input: Object.fromEntries([...exported, ...programs].map((entry) => [entry, join(source, `${entry}.ts`)])),
  platform: "node",
  // Packages stay packages.
  external: /^[^./]/,
  transform: { target: "es2024" },
  output: {
    dir: target,
    format: "esm",
    sourcemap: !values.code,
    entryFileNames: "[name].js",
    chunkFileNames: "shared/[name].js",
    codeSplitting: {
      // A group is what its test finds, with all that this imports.
      groups: [
        // It knows the other files by where it is, as far below the target as below src/.
        { name: "own-files", test: /[\\/]internal[\\/]own-files\.ts$/, priority: 3 },
        // The thread that writes to SQLite needs these and not the rest of an app.
        { name: "errors", test: /[\\/]tasks[\\/](store-error|job)\.ts$/, priority: 2 },
        { name: "afterword", test: (id) => id === join(source, "index.ts"), priority: 1 },
      ],
    },
  },
  logLevel: "warn",
});
if (!values.code) {
  const options = ["-p", "tsconfig.build.json", "--emitDeclarationOnly", "--outDir", target];
  execFileSync(join(root, "node_modules/.bin/tsc"), options, { cwd: root, stdio: "inherit" });
}
