import { assetsFolder } from "../internal/own-files.ts";

/** A file that a page of the documentation loads. */
export interface Asset {
  /** Where the file is. */
  readonly url: URL;
  readonly contentType: string;
}

const script = "text/javascript; charset=utf-8";

/** The files of Swagger UI and Redoc, copied out of their packages when this one is built, by the names under which they are served. */
export const assets: ReadonlyMap<string, Asset> = new Map<string, Asset>([
  ["swagger-ui.js", { url: new URL("swagger-ui/swagger-ui-bundle.js", assetsFolder), contentType: script }],
  [
    "swagger-ui.css",
    { url: new URL("swagger-ui/swagger-ui.css", assetsFolder), contentType: "text/css; charset=utf-8" },
  ],
  ["redoc.js", { url: new URL("redoc/redoc.standalone.js", assetsFolder), contentType: script }],
]);
