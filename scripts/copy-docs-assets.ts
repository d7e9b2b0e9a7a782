/**
 * Copies what the pages of the documentation show into `assets/`, which is packed with the package: Swagger UI and Redoc are
 * served from there, so that they need no other host and users install neither.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const target = resolve(import.meta.dirname, "../assets");

/** From which files of which package. */
const sources = {
  "swagger-ui-dist": [
    "swagger-ui-bundle.js",
    "swagger-ui.css",
    "LICENSE",
    "NOTICE",
    "swagger-ui-bundle.js.LICENSE.txt",
  ],
  redoc: ["bundles/redoc.standalone.js", "LICENSE", "bundles/redoc.standalone.js.LICENSE.txt"],
};

/** Redoc shows a logo from another host. */
const logo = "https://cdn.redoc.ly/redoc/logo-mini.svg";
const noLogo = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E";

for (const [name, files] of Object.entries(sources)) {
  const folder = join(target, name === "redoc" ? "redoc" : "swagger-ui");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const root = dirname(fileURLToPath(import.meta.resolve(`${name}/package.json`)));
  for (const file of files) copyFileSync(join(root, file), join(folder, file.replace("bundles/", "")));
}

const redoc = join(target, "redoc/redoc.standalone.js");
const parts = readFileSync(redoc, "utf8").split(logo);
if (parts.length !== 2)
  throw new Error(`Expected ${logo} once in redoc.standalone.js, but found it ${parts.length - 1} times.`);
writeFileSync(redoc, parts.join(noLogo));
