import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import { HonoRequest } from "hono/request";

/** What a framework has made of a request: its path parameters, decoded, and its parsed body. */
export interface ParsedRequest {
  readonly params?: unknown;
  readonly body?: unknown;
}

/** What the web knows of a request beside its body, made when it is asked for. */
export class NodeRequest {
  readonly method: string;
  readonly #incoming: IncomingMessage;
  #url: string | undefined = undefined;
  #headers: Headers | undefined = undefined;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    this.method = incoming.method ?? "GET";
  }

  get url(): string {
    return (this.#url ??= urlOf(this.#incoming));
  }

  get headers(): Headers {
    return (this.#headers ??= headersOf(this.#incoming));
  }
}

/** Its web form. */
export function toWebRequest(incoming: IncomingMessage): Request {
  const { method, url, headers } = new NodeRequest(incoming);
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(url, {
    method,
    headers,
    ...(hasBody && !incoming.readableDidRead && { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" }),
  } as RequestInit);
}

/** Frameworks that cut the path for their routers keep the whole in `originalUrl`. */
function urlOf(incoming: IncomingMessage): string {
  const { originalUrl, url = "/" } = incoming as IncomingMessage & { originalUrl?: string };
  const scheme = (incoming.socket as Partial<TLSSocket>).encrypted ? "https" : "http";
  const base = `${scheme}://${incoming.headers.host ?? "localhost"}`;
  const target = originalUrl ?? url;
  return URL.canParse(target, base) ? new URL(target, base).href : new URL("/", "http://localhost").href;
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    // The pseudo-headers of HTTP/2.
    if (!name.startsWith(":")) headers.append(name, rawHeaders[index + 1]!);
  }
  return headers;
}

/** The request as declared sources read it. A body that the framework has parsed is what it was parsed to. */
export function toHonoRequest(request: Request, { params, body }: ParsedRequest): HonoRequest {
  const coded = Object.entries((params ?? {}) as Record<string, unknown>)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, encodeURIComponent(Array.isArray(value) ? value.join("/") : String(value))]);
  const match = [[[undefined, Object.fromEntries(coded)]]];
  const hono = new HonoRequest(request, new URL(request.url).pathname, match as never);
  if (((typeof body === "object" && body !== null) || typeof body === "string") && request.body === null)
    hono.bodyCache = parsedBody(request, body) as never;
  return hono;
}

function parsedBody(request: Request, body: object | string): Record<string, Promise<unknown>> {
  if (Buffer.isBuffer(body)) return { arrayBuffer: Promise.resolve(new Uint8Array(body).buffer) };
  if (typeof body === "string") return { text: Promise.resolve(body) };
  if (!request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded"))
    return { text: Promise.resolve(JSON.stringify(body)) };
  const fields = Object.entries(body).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => [name, String(one)]),
  );
  return { text: Promise.resolve(new URLSearchParams(fields).toString()) };
}
