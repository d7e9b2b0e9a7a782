import type { App } from "afterword";
import { TestClient, WebSocketRefusedError } from "afterword/testing";
import { WebSocket } from "ws";
import { startApp } from "./hosts.ts";

/** The client's side of a WebSocket. */
export interface ClientSocket {
  readonly protocol: string;
  send(data: string | Uint8Array): void;
  /** The next message; rejects when it closes first. */
  receive(): Promise<string | Uint8Array>;
  close(code?: number, reason?: string): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** The answer to a handshake that was refused. */
export class Refused extends Error {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;

  constructor(status: number, body: string, headers: Headers) {
    super(`refused with ${status}: ${body}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** How a client asks. */
export interface SocketRequest {
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Opens WebSockets of an app, over the wire or in memory. */
export interface SocketHost {
  readonly name: "socket" | "memory";
  /** @throws {Refused} */
  open(app: App, path: string, request?: SocketRequest): Promise<ClientSocket>;
}

const clients = new WeakMap<App, TestClient>();
const servers = new WeakMap<App, Promise<{ readonly url: string }>>();

export const socketHosts: readonly SocketHost[] = [
  {
    name: "socket",
    async open(app, path, request = {}) {
      let server = servers.get(app);
      if (server === undefined) servers.set(app, (server = startApp(app)));
      return connect((await server).url.replace("http", "ws") + path, request);
    },
  },
  {
    name: "memory",
    async open(app, path, request = {}) {
      let client = clients.get(app);
      if (client === undefined) clients.set(app, (client = new TestClient(app)));
      try {
        const socket = await client.websocket(path, request);
        return {
          protocol: socket.protocol,
          send: (data) => void socket.send(data),
          receive: () => socket.receive(),
          close: (code, reason) => socket.close(code, reason),
          closed: socket.closed,
        };
      } catch (error) {
        if (!(error instanceof WebSocketRefusedError)) throw error;
        const { response } = error;
        throw new Refused(response.status, await response.text(), response.headers);
      }
    },
  },
];

/** Connects to a server with the library `ws`. */
export async function connect(
  url: string,
  { protocols = [], headers }: SocketRequest = {},
): Promise<ClientSocket & { readonly raw: WebSocket }> {
  const raw = new WebSocket(url, [...protocols], { ...(headers && { headers }) });
  const messages: (string | Uint8Array)[] = [];
  const waiters: PromiseWithResolvers<string | Uint8Array>[] = [];
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  raw.on("message", (data: Buffer, isBinary) => {
    const message = isBinary ? new Uint8Array(data) : data.toString();
    const waiter = waiters.shift();
    if (waiter) waiter.resolve(message);
    else messages.push(message);
  });
  raw.on("close", (code, reason) => {
    closed.resolve({ code, reason: reason.toString() });
    for (const { reject } of waiters.splice(0)) reject(new Error(`closed with ${code}`));
  });
  await new Promise<void>((resolve, reject) => {
    raw.once("open", resolve);
    raw.once("error", reject);
    raw.once("unexpected-response", (_, response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () =>
        reject(new Refused(response.statusCode!, body, new Headers(response.headers as Record<string, string>))),
      );
    });
  });
  raw.on("error", () => {});
  return {
    raw,
    protocol: raw.protocol,
    send: (data) => raw.send(data),
    receive() {
      const message = messages.shift();
      if (message !== undefined) return Promise.resolve(message);
      const waiter = Promise.withResolvers<string | Uint8Array>();
      waiters.push(waiter);
      return waiter.promise;
    },
    close: (code, reason) => raw.close(code, reason),
    closed: closed.promise,
  };
}
