import { readFile } from "node:fs/promises";
import type { MiddlewareHandler } from "hono";
import { Router } from "../app/router.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { assetsFolder } from "../internal/own-files.ts";
import { path } from "../params/path.ts";
import { html } from "../responses/html.ts";
import { sendFile } from "../responses/send-file.ts";
import type { PeerEnv } from "./peer.ts";

/** What scripts/build-dashboard.ts makes. */
const folder: URL = new URL("dashboard/", assetsFolder);

const files: ReadonlyMap<string, string> = new Map([
  ["dashboard.js", "text/javascript; charset=utf-8"],
  ["dashboard.css", "text/css; charset=utf-8"],
  ["icon.svg", "image/svg+xml"],
]);

/** The page and what it loads. All of it is public: what it shows it asks for with the reader's credentials. */
export function pageRoutes(): Router {
  const router = new Router();
  router.get("/", async () => {
    const page = await readFile(new URL("index.html", folder), "utf8").catch((error: unknown) => {
      throw new HTTPException(
        503,
        "The files of the dashboard are not there: in a clone of the repository, make them with npm run prepare.",
        {},
        { cause: error },
      );
    });
    return html(page);
  });
  router.get("/assets/:name", { name: path() }, ({ name }) => {
    const contentType = files.get(name);
    if (contentType === undefined) throw new HTTPException(404);
    // They have no hash in their names: the browser asks each time whether they have changed.
    return sendFile(new URL(name, folder), { headers: { "content-type": contentType, "cache-control": "no-cache" } });
  });
  return router;
}

/**
 * The page is a folder, since everything in it is relative to it: `/dashboard` leads to `/dashboard/`. A mounted app sees no
 * difference between the two, so the host is asked what came.
 */
export const redirectToFolder: MiddlewareHandler = async (context, next) => {
  const asked = (context.env as PeerEnv | undefined)?.incoming?.url;
  const isRoot = context.req.path === "/" && (context.req.method === "GET" || context.req.method === "HEAD");
  if (!isRoot || asked === undefined) return next();
  const [, path, query = ""] = /^([^?#]*)(\?[^#]*)?/.exec(asked)!;
  if (path === undefined || path.endsWith("/") || path === "") return next();
  // Relative, so that it is right behind a proxy that takes a prefix away.
  const location = `./${path.slice(path.lastIndexOf("/") + 1)}/${query}`;
  return new Response(null, { status: 307, headers: { location } });
};
