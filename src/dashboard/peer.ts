import { isIPv4 } from "node:net";

/** What a host tells of a request beside the request. */
export interface PeerEnv {
  readonly incoming?: { readonly url?: string; readonly socket?: { readonly remoteAddress?: string | undefined } };
}

/** What proxies add to requests. */
const proxyHeaders = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-server",
  "x-real-ip",
  "cf-connecting-ip",
  "true-client-ip",
  "x-client-ip",
  "fly-client-ip",
];

const localNames = /^(?:localhost|[\w-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/**
 * Why a request is not known to come from this machine itself; `undefined` when it is: its peer has a loopback address, no
 * proxy has touched it, and it asks for a local name. The last is against DNS rebinding, by which a page from elsewhere asks
 * a server of this machine under a name of its own.
 */
export function whyNotLocal(request: Request, env: PeerEnv | undefined): string | undefined {
  const address = env?.incoming?.socket?.remoteAddress;
  if (address === undefined) return "nobody can tell where the request comes from";
  if (!isLoopback(address)) return `the request comes from ${address}`;
  const proxy = proxyHeaders.find((name) => request.headers.has(name));
  if (proxy !== undefined) return `the request came through a proxy (it has the header ${proxy})`;
  const host = request.headers.get("host") ?? "";
  if (!localNames.test(host)) return `the request asks for the host ${JSON.stringify(host)}, which is no local name`;
  return undefined;
}

/** Whether an address is that of this machine, for itself only. */
export function isLoopback(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:/, "");
  return plain === "::1" || (isIPv4(plain) && plain.startsWith("127."));
}
