// Builds the package, packs it, and looks at the tarball as a user would: publint, attw, and an empty strict project that
// installs it, type-checks a small app without skipLibCheck, and runs it.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const fixture = join(root, "test/package/fixtures/app");
const work = mkdtempSync(join(tmpdir(), "afterword-package-"));

function run(what: string, command: string, args: string[], cwd = root): void {
  console.log(`• ${what}`);
  try {
    execFileSync(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    console.error(`${what} failed:\n${stdout ?? ""}${stderr ?? ""}${stdout === undefined ? String(error) : ""}`);
    rmSync(work, { recursive: true, force: true });
    process.exit(1);
  }
}

const bin = (name: string): string => join(root, "node_modules/.bin", name);
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  devDependencies: Record<string, string>;
};

run("build", "npm", ["run", "build"]);
run("pack", "npm", ["pack", "--pack-destination", work]);
const tarball = join(
  work,
  readdirSync(work).find((name) => name.endsWith(".tgz"))!,
);
run("publint finds nothing", bin("publint"), ["run", tarball, "--strict"]);
// ESM only on purpose: Node 22.12 and later load ES modules by require() as well.
run("attw finds nothing", bin("attw"), [tarball, "--profile", "esm-only"]);

const project = join(work, "app");
mkdirSync(project);
cpSync(fixture, project, { recursive: true });
const wanted = ["typescript", "@types/node", "zod"].map((name) => `${name}@${manifest.devDependencies[name]}`);
run("installs in an empty project", "npm", ["install", "--no-audit", "--no-fund", tarball, ...wanted], project);
run("type-checks with skipLibCheck: false", join(project, "node_modules/.bin/tsc"), ["-p", "tsconfig.json"], project);
run("runs, and loads no optional client", process.execPath, ["main.ts"], project);
const piscina = `piscina@${manifest.devDependencies["piscina"]}`;
run("installs what worker threads need", "npm", ["install", "--no-audit", "--no-fund", piscina], project);
run("runs a task in a worker thread", process.execPath, ["threads.ts"], project);
if (existsSync(join(project, "node_modules/afterword/node_modules")))
  throw new Error("The package brought a second copy of a dependency.");
rmSync(work, { recursive: true, force: true });
console.log("The package is sound.");
