import { ServerResponse, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import type { Log } from "../internal/log.ts";
import { upgradeKey, type Upgrade } from "../websocket/upgrade.ts";
import type { FetchHandler } from "./build-hono.ts";
import { carry } from "./socket-transport.ts";

/** The WebSockets of a server. */
export interface ServedSockets {
  /** Starts to close all of them: the server goes away (1001). @returns a promise of the end of their handlers */
  close(): Promise<void>;
  /** Cuts those that are left. */
  terminate(): void;
}

/** So long a client has to answer the closing of its connection. */
const closeTimeoutMs = 5_000;

/** RFC 6455, section 4.1: 16 bytes in base64. */
const keyPattern = /^[+/\dA-Za-z]{22}==$/;

/** Answers the requests of a server that ask for a WebSocket. The library that speaks the protocol is loaded with the first. */
export function serveSockets(server: Server, fetch: FetchHandler, log: Log): ServedSockets {
  const open = new Set<Promise<void>>();
  const connections = new Set<WebSocket>();
  let isClosing = false;
  const servers = new Map<number, Promise<WebSocketServer>>();
  const pending = new WeakMap<IncomingMessage, { readonly protocol: string; readonly headers: Headers }>();

  const serverFor = (maxMessageBytes: number): Promise<WebSocketServer> => {
    let made = servers.get(maxMessageBytes);
    if (made === undefined) {
      made = import("ws").then(({ WebSocketServer }) => createServer(WebSocketServer, maxMessageBytes, pending));
      servers.set(maxMessageBytes, made);
    }
    return made;
  };

  const onUpgrade = async (incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    socket.on("error", ignore);
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    socket.once("close", onClose);
    const upgrade: Upgrade = { accepted: undefined };
    const response = await ask(fetch, log, incoming, upgrade, gone.signal);
    const { accepted } = upgrade;
    if (accepted === undefined || response.status >= 400) {
      accepted?.failed();
      return refuse(incoming, socket, response);
    }
    const sockets = await serverFor(accepted.maxMessageBytes);
    if (socket.destroyed || isClosing) {
      accepted.failed();
      return isClosing ? refuse(incoming, socket, new Response(null, { status: 503 })) : undefined;
    }
    socket.off("close", onClose);
    pending.set(incoming, { protocol: accepted.protocol, headers: response.headers });
    let hasOpened = false;
    sockets.handleUpgrade(incoming, socket, head, (connection) => {
      hasOpened = true;
      connections.add(connection);
      connection.once("close", () => connections.delete(connection));
      carry(connection, accepted);
      const ended = accepted.ended.finally(() => open.delete(ended));
      open.add(ended);
    });
    if (!hasOpened) accepted.failed();
  };

  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isWebSocket(incoming)) void onUpgrade(incoming, socket, head);
    // Another protocol, which the server may ignore (RFC 9110, section 7.8).
    else ignoreUpgrade(server, incoming, socket);
  });

  return {
    async close() {
      isClosing = true;
      for (const connection of connections) {
        if (connection.isPaused) connection.resume();
        connection.close(1001, "The server shuts down");
      }
      while (open.size > 0) await Promise.all(open);
    },
    terminate() {
      for (const connection of connections) connection.terminate();
    },
  };
}

function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket";
}

function createServer(
  Server: typeof WebSocketServer,
  maxMessageBytes: number,
  pending: WeakMap<IncomingMessage, { readonly protocol: string; readonly headers: Headers }>,
): WebSocketServer {
  const sockets = new Server({
    noServer: true,
    clientTracking: false,
    maxPayload: Number.isFinite(maxMessageBytes) ? maxMessageBytes : 0,
    closeTimeout: closeTimeoutMs,
    handleProtocols: (_, incoming) => pending.get(incoming)?.protocol || false,
  } as ConstructorParameters<typeof WebSocketServer>[0]);
  sockets.on("headers", (lines, incoming) => {
    for (const [name, value] of pending.get(incoming)?.headers ?? [])
      if (!ownHeaders.has(name)) lines.push(`${name}: ${value}`);
  });
  return sockets;
}

/** Those of the handshake itself, and of a body that is not there. */
const ownHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
  "transfer-encoding",
  "upgrade",
]);

/** What the app answers to the request that asks for a WebSocket. Never rejects. */
async function ask(
  fetch: FetchHandler,
  log: Log,
  incoming: IncomingMessage,
  upgrade: Upgrade,
  signal: AbortSignal,
): Promise<Response> {
  const version = incoming.headers["sec-websocket-version"];
  if (version !== "13")
    return refusal(426, "Only version 13 of the WebSocket protocol is spoken.", { "sec-websocket-version": "13" });
  if (!keyPattern.test(incoming.headers["sec-websocket-key"] ?? ""))
    return refusal(400, "The header Sec-WebSocket-Key is missing or malformed.");
  let request: Request;
  try {
    const headers = new Headers();
    for (let index = 0; index < incoming.rawHeaders.length; index += 2)
      headers.append(incoming.rawHeaders[index]!, incoming.rawHeaders[index + 1]!);
    const protocol = "encrypted" in incoming.socket ? "https" : "http";
    request = new Request(new URL(incoming.url ?? "/", `${protocol}://${incoming.headers.host ?? "localhost"}`), {
      headers,
      signal,
    });
  } catch {
    return refusal(400, "The address of the request is malformed.");
  }
  try {
    return await fetch(request, { incoming, [upgradeKey]: upgrade });
  } catch (error) {
    const path = incoming.url ?? "/";
    log.error(`GET ${path} was answered with 500, because of`, { err: error, method: "GET", path, status: 500 });
    return new Response("Internal Server Error", { status: 500 });
  }
}

function refusal(status: number, detail: string, headers?: Record<string, string>): Response {
  return new Response(JSON.stringify({ detail }), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Answers in HTTP and ends the connection. */
async function refuse(incoming: IncomingMessage, socket: Duplex, response: Response): Promise<void> {
  const bytes = await response.bytes().catch(() => new Uint8Array());
  if (socket.destroyed) return;
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(socket as never);
  outgoing.once("finish", () => socket.end());
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) if (name !== "content-length") outgoing.appendHeader(name, value);
  outgoing.setHeader("content-length", bytes.byteLength);
  outgoing.end(bytes);
}

/** Hands a request whose upgrade is ignored to the server's other listeners. Its body, if any, cannot be read any more. */
function ignoreUpgrade(server: Server, incoming: IncomingMessage, socket: Duplex): void {
  socket.on("error", ignore);
  const hasBody =
    incoming.headers["content-length"] !== undefined || incoming.headers["transfer-encoding"] !== undefined;
  if (hasBody)
    return void refuse(incoming, socket, refusal(400, "A request with a body cannot ask for another protocol."));
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(socket as never);
  outgoing.once("finish", () => socket.end());
  server.emit("request", incoming, outgoing);
}

function ignore(): void {}
