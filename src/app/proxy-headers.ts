import type { IncomingMessage, Server } from "node:http";

const hostPattern = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;

/**
 * Believes what a proxy says of a request: the scheme and the host that its client asked for. The first value counts, which
 * is that of the proxy nearest to the client; what is no scheme or host is ignored.
 */
export function believeProxy(server: Server): void {
  server.prependListener("request", restore);
  server.prependListener("upgrade", restore);
}

/** The address in its absolute form (RFC 9112, section 3.2.2), which goes before the header `Host`. */
function restore(incoming: IncomingMessage): void {
  const { url = "/", headers } = incoming;
  if (!url.startsWith("/")) return;
  const scheme = first(headers["x-forwarded-proto"])?.toLowerCase();
  const host = first(headers["x-forwarded-host"]);
  const isSecure = scheme === "https" || scheme === "wss" || (scheme === undefined && "encrypted" in incoming.socket);
  const actualHost = host !== undefined && hostPattern.test(host) ? host : headers.host;
  if ((scheme === undefined && host === undefined) || actualHost === undefined) return;
  incoming.url = `${isSecure ? "https" : "http"}://${actualHost}${url}`;
}

function first(header: string | readonly string[] | undefined): string | undefined {
  const text = typeof header === "string" ? header : header?.[0];
  return text?.split(",", 1)[0]!.trim() || undefined;
}
