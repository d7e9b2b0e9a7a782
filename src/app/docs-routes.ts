import { assets } from "../openapi/assets.ts";
import type { OpenApiDocument } from "../openapi/document.ts";
import { pageScripts, pageSecurityPolicy, redocPage, swaggerPage, type PageOptions } from "../openapi/pages.ts";
import { path } from "../params/path.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { html } from "../responses/html.ts";
import { json } from "../responses/json.ts";
import { sendFile } from "../responses/send-file.ts";
import { Router } from "./router.ts";

/** Where an app shows its documentation. `undefined` for nowhere. */
export interface DocsPaths {
  readonly openapi: string | undefined;
  readonly docs: string | undefined;
  readonly redoc: string | undefined;
}

const hidden = { includeInSchema: false } as const;

/** The routes of the document and of the pages that show it; none of them needs another host. */
export function docsRoutes(paths: DocsPaths, title: string, document: () => OpenApiDocument): Router {
  const router = new Router();
  const { openapi, docs, redoc } = paths;
  if (openapi === undefined) return router;
  router.get(openapi, hidden, {}, () => {
    const { servers, ...rest } = document();
    // Relative to the document: right under any prefix, that of a mount as well as that of a proxy.
    return json({ ...rest, servers: servers ?? [{ url: relativePath(openapi, "/").slice(0, -1) }] });
  });
  for (const [at, render] of [
    [docs, swaggerPage],
    [redoc, redocPage],
  ] as const)
    if (at !== undefined)
      addPage(router, at, { title, documentPath: relativePath(at, openapi), assetsPath: "" }, render);
  return router;
}

function addPage(router: Router, at: string, options: PageOptions, render: (options: PageOptions) => string): void {
  const folder = `${at}/assets`;
  const text = render({ ...options, assetsPath: relativePath(at, folder) });
  router.get(at, hidden, {}, () => html(text, { headers: { "content-security-policy": pageSecurityPolicy } }));
  router.get(`${folder}/:name`, hidden, { name: path() }, ({ name }) => {
    const script = pageScripts.get(name);
    if (script !== undefined)
      return new Response(script, { headers: { "content-type": "text/javascript; charset=utf-8" } });
    const asset = assets.get(name);
    if (asset === undefined) throw new HTTPException(404);
    return sendFile(asset.url, {
      headers: { "content-type": asset.contentType, "cache-control": "public, max-age=3600" },
    });
  });
}

/** How a page at one path refers to another: `/a/docs` and `/openapi.json` give `../openapi.json`. */
export function relativePath(from: string, to: string): string {
  const folders = from.split("/").slice(1, -1);
  const parts = to.split("/").slice(1);
  let same = 0;
  while (same < folders.length && same < parts.length - 1 && folders[same] === parts[same]) same++;
  const up = "../".repeat(folders.length - same);
  return up + parts.slice(same).join("/") || "./";
}
