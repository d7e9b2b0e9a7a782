import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BenchError } from "./question.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The package as it is published, compiled into a folder of its own with what it needs beside it. Deleted at the end. */
export class BuiltPackage implements Disposable {
  readonly folder: string = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "afterword-bench-"));

  /**
   * @param others - packages of this repository that programs in the folder import beside it
   * @throws {BenchError} with what the compiler says
   */
  constructor(others: readonly string[]) {
    try {
      const target = join(this.folder, "node_modules/afterword");
      run(process.execPath, [join(root, "scripts/build.ts"), "--code", "--out", join(target, "dist")]);
      const manifest = join(root, "package.json");
      copyFileSync(manifest, join(target, "package.json"));
      const { dependencies } = JSON.parse(readFileSync(manifest, "utf8")) as { dependencies: Record<string, string> };
      for (const name of [...Object.keys(dependencies), ...others]) this.#link(name);
      writeFileSync(join(this.folder, "package.json"), '{ "type": "module" }\n');
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Compiles a program into the folder, where it imports the package as users do. */
  add(file: URL): string {
    const source = fileURLToPath(file);
    const options = [
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--verbatimModuleSyntax",
      "--noCheck",
      "--noResolve",
    ];
    run(join(root, "node_modules/.bin/tsc"), [
      source,
      "--ignoreConfig",
      ...options,
      "--rootDir",
      dirname(source),
      "--outDir",
      this.folder,
    ]);
    return join(this.folder, basename(source).replace(/\.ts$/, ".js"));
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #link(name: string): void {
    const path = join(this.folder, "node_modules", name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(root, "node_modules", name), path);
  }
}

function run(program: string, args: readonly string[]): void {
  try {
    execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new BenchError(`The compiler fails: ${stdout ?? ""}${stderr ?? ""}`.trim(), { cause: error });
  }
}
