/**
 * Builds the page of the dashboard out of `dashboard-ui/` into `assets/dashboard/`, which is packed with the package: one script,
 * one style sheet, a page and an icon.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "rolldown";

/** So much may go over the wire. */
const maxBytes = 150_000;

const source = resolve(import.meta.dirname, "../dashboard-ui");
const target = resolve(import.meta.dirname, "../assets/dashboard");
const packages = createRequire(import.meta.url);

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
await build({
  input: join(source, "main.tsx"),
  platform: "browser",
  transform: { target: "es2022" },
  output: { file: join(target, "dashboard.js"), format: "esm", minify: true, comments: { legal: true } },
  logLevel: "warn",
});
const styles = [packages.resolve("uplot/dist/uPlot.min.css"), join(source, "style.css")].map((file) =>
  readFileSync(file, "utf8"),
);
writeFileSync(join(target, "dashboard.css"), styles.join("\n"));
for (const name of ["index.html", "icon.svg"]) copyFileSync(join(source, name), join(target, name));
// Both are under the MIT license, which asks for its text to go with them.
const licenses = ["preact", "uplot"].map(
  (name) => `${name}\n\n${readFileSync(join(source, `../node_modules/${name}/LICENSE`), "utf8")}`,
);
writeFileSync(join(target, "LICENSES.txt"), licenses.join("\n\n"));

const bytes = ["dashboard.js", "dashboard.css", "index.html", "icon.svg"]
  .map((name) => gzipSync(readFileSync(join(target, name))).length)
  .reduce((sum, each) => sum + each, 0);
if (bytes > maxBytes) throw new Error(`The dashboard has ${bytes} bytes compressed, and may have ${maxBytes}.`);
