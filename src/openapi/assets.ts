/** Swagger UI and Redoc, copied out of their packages when this one is built; beside `src/` as well as beside `dist/`. */
const folder: URL = new URL("../../assets/", import.meta.url);

/** A file that a page of the documentation loads. */
export interface Asset {
  /** Where the file is. */
  readonly url: URL;
  readonly contentType: string;
}

const script = "text/javascript; charset=utf-8";

/** The files of the pages, by the names under which they are served. */
export const assets: ReadonlyMap<string, Asset> = new Map<string, Asset>([
  ["swagger-ui.js", { url: new URL("swagger-ui/swagger-ui-bundle.js", folder), contentType: script }],
  ["swagger-ui.css", { url: new URL("swagger-ui/swagger-ui.css", folder), contentType: "text/css; charset=utf-8" }],
  ["redoc.js", { url: new URL("redoc/redoc.standalone.js", folder), contentType: script }],
]);
