import type { MiddlewareHandler } from "hono";
import { HTTPException } from "../internal/http-exception.ts";
import type { DashboardConfig } from "./options.ts";
import { whyNotLocal, type PeerEnv } from "./peer.ts";

/** The header that the page sends with each change: a page from elsewhere cannot send it without asking first. */
export const changeHeader = "x-afterword-dashboard";

/** What all answers carry. */
const headers: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Around everything, refusals included. */
export const safeHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  for (const [name, value] of Object.entries(headers)) context.res.headers.set(name, value);
  if (!context.res.headers.has("cache-control")) context.res.headers.set("cache-control", "no-store");
};

/** Stands before all routes: who may ask, and what they may ask for, as far as the request alone can tell. */
export function guard(config: DashboardConfig): MiddlewareHandler {
  return async (context, next) => {
    const request = context.req.raw;
    if (config.auth === undefined) refuseStrangers(request, context.env as PeerEnv | undefined);
    if (request.method !== "GET" && request.method !== "HEAD") refuseForgeries(request, config);
    await next();
  };
}

function refuseStrangers(request: Request, env: PeerEnv | undefined): void {
  const reason = whyNotLocal(request, env);
  if (reason === undefined) return;
  throw new HTTPException(
    403,
    `This dashboard has no auth, so it answers only its own machine, and ${reason}. Say who may use it: dashboard({ auth }).`,
  );
}

/** A change must come from the page itself: browsers tell where a request was made, and others do not send our header. */
function refuseForgeries(request: Request, { isReadOnly }: DashboardConfig): void {
  if (isReadOnly) throw new HTTPException(403, "This dashboard is read-only.");
  const site = request.headers.get("sec-fetch-site");
  const isForeign = site === null ? isFromElsewhere(request) : site !== "same-origin";
  if (isForeign) throw new HTTPException(403, "This request was made by a page of another site.");
  if (request.headers.get(changeHeader) === null)
    throw new HTTPException(403, `A request that changes something must have the header ${changeHeader}: 1.`);
}

/** Browsers that do not send `Sec-Fetch-Site`, on plain HTTP for instance, send `Origin` with what may change something. */
function isFromElsewhere(request: Request): boolean {
  const origin = request.headers.get("origin");
  if (origin === null) return false;
  return !URL.canParse(origin) || new URL(origin).host !== (request.headers.get("host") ?? new URL(request.url).host);
}
