import { createRequire } from "node:module";
import { arch, release, type } from "node:os";

/** What Celery calls the software of a worker, as its events say it. */
export const software: { readonly sw_ident: string; readonly sw_ver: string; readonly sw_sys: string } = {
  sw_ident: "afterword",
  sw_ver: readVersion(),
  sw_sys: type(),
};

/** Celery's `report`. */
export function describeSoftware(): string {
  return [
    `software -> afterword:${software.sw_ver} node:${process.versions.node}`,
    `platform -> system:${software.sw_sys} arch:${arch()} kernel version:${release()}`,
    "",
  ].join("\n");
}

function readVersion(): string {
  try {
    const require = createRequire(import.meta.url);
    return (require("../../../../package.json") as { version: string }).version;
  } catch {
    // Bundled with an app, apart from its package.
    return "0";
  }
}
