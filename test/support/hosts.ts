import type { App, CloseReport, RunningServer } from "afterword";
import { RawClient, type RawExchange } from "./raw-client.ts";

/** What a request sends. At most one of `json`, `form` and `body`. */
export interface SendOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly form?: FormData;
  readonly body?: string | Uint8Array;
}

/** A whole response. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A response that is read piece by piece. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Resolves when `text` has come in. */
  received(text: string): Promise<void>;
  /** The whole body; rejects when it was cut. */
  rest(): Promise<string>;
  /** The client goes away. */
  hangUp(): Promise<void>;
}

/** A client that does not wait: it may go away before the answer. */
export interface ImpatientClient {
  send(method: string, path: string, options?: SendOptions): void;
  hangUp(): Promise<void>;
}

/** An app that is being served, and its clients. */
export interface Session {
  /** Sends a request and resolves when the whole response has come, whatever its tasks do. */
  request(method: string, path: string, options?: SendOptions): Promise<Answer>;
  /** Sends a request and resolves at the head of its response. */
  begin(method: string, path: string, options?: SendOptions): Promise<OpenAnswer>;
  /** A client that will go away. */
  impatient(): Promise<ImpatientClient>;
  /** Resolves when the tasks of all requests and the clean-up after them have ended. The session takes no request after it. */
  finish(): Promise<void>;
}

export interface Host {
  readonly name: "socket" | "memory";
  open(app: App): Promise<Session>;
}

const openSessions = new Set<Session>();

/** Ends the sessions and servers that a test has left open. */
export async function closeSessions(): Promise<void> {
  for (const session of [...openSessions]) await session.finish();
  for (const server of [...openServers]) await server.close();
}

const openServers = new Set<RunningServer>();

/** Serves an app on a free port of this machine; closed after the test. */
export async function startApp(app: App): Promise<RunningServer> {
  const server = await app.listen({ host: "127.0.0.1", port: 0, signals: false });
  openServers.add(server);
  return {
    url: server.url,
    port: server.port,
    close(): Promise<CloseReport> {
      openServers.delete(server);
      return server.close();
    },
    async [Symbol.asyncDispose]() {
      openServers.delete(server);
      await server.close();
    },
  };
}

/** Clients of any server that listens. */
export function openSocketSession(server: Pick<RunningServer, "port"> & { close(): Promise<unknown> }): Session {
  const session = new SocketSession(server);
  openSessions.add(session);
  return session;
}

/** Clients of any fetch handler, on a host that has `waitUntil`. */
export function openMemorySession(fetch: App["fetch"], close?: () => Promise<unknown>): Session {
  const session = new MemorySession(fetch, close);
  openSessions.add(session);
  return session;
}

/** A real server and real connections, kept alive and used again. */
const socketHost: Host = {
  name: "socket",
  async open(app) {
    return openSocketSession(await startApp(app));
  },
};

/** `app.fetch`, as a host without a socket calls it. */
const memoryHost: Host = {
  name: "memory",
  async open(app) {
    return openMemorySession(app.fetch);
  },
};

/** Every case that involves the wire runs on each of them. */
export const hosts: readonly Host[] = [socketHost, memoryHost];

class SocketSession implements Session {
  readonly #server: Pick<RunningServer, "port"> & { close(): Promise<unknown> };
  readonly #idle: RawClient[] = [];

  constructor(server: Pick<RunningServer, "port"> & { close(): Promise<unknown> }) {
    this.#server = server;
  }

  async request(method: string, path: string, options: SendOptions = {}): Promise<Answer> {
    const client = await this.#client();
    const response = await client.send(method, path, await toRawRequest(options)).response;
    this.#idle.push(client);
    return response;
  }

  async begin(method: string, path: string, options: SendOptions = {}): Promise<OpenAnswer> {
    const client = await RawClient.connect(this.#server.port);
    const exchange = client.send(method, path, await toRawRequest(options));
    return openAnswer(client, exchange);
  }

  async impatient(): Promise<ImpatientClient> {
    const client = await RawClient.connect(this.#server.port);
    return {
      send: (method, path, options = {}) => {
        if (options.json !== undefined || options.form) throw new Error("An impatient client sends raw bodies only.");
        client.send(method, path, {
          ...(options.headers && { headers: options.headers }),
          ...(options.body !== undefined && { body: options.body }),
        });
      },
      hangUp: async () => {
        client.hangUp();
        await client.closed;
      },
    };
  }

  async finish(): Promise<void> {
    openSessions.delete(this);
    await this.#server.close();
  }

  /** The last connection that became idle, if the server has kept it. */
  async #client(): Promise<RawClient> {
    for (let client = this.#idle.pop(); client; client = this.#idle.pop()) if (!client.isClosed) return client;
    return RawClient.connect(this.#server.port);
  }
}

async function openAnswer(client: RawClient, exchange: RawExchange): Promise<OpenAnswer> {
  const { status, headers } = await exchange.head;
  return {
    status,
    headers,
    received: (text) => exchange.received(text),
    rest: async () => (await exchange.response).text,
    async hangUp() {
      client.hangUp();
      await client.closed;
    },
  };
}

async function toRawRequest(options: SendOptions): Promise<{ headers: Record<string, string>; body?: Uint8Array }> {
  const request = toRequest("POST", "/", options);
  const body = request.body ? new Uint8Array(await request.arrayBuffer()) : undefined;
  return { headers: Object.fromEntries(request.headers), ...(body && { body }) };
}

class MemorySession implements Session {
  readonly #fetch: App["fetch"];
  readonly #close: (() => Promise<unknown>) | undefined;
  readonly #settled: Promise<unknown>[] = [];
  readonly #context = {
    waitUntil: (promise: Promise<unknown>): void => void this.#settled.push(promise),
    passThroughOnException(): void {},
  };

  constructor(fetch: App["fetch"], close?: () => Promise<unknown>) {
    this.#fetch = fetch;
    this.#close = close;
  }

  async request(method: string, path: string, options: SendOptions = {}): Promise<Answer> {
    const response = await this.#fetch(toRequest(method, path, options), undefined, this.#context);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async begin(method: string, path: string, options: SendOptions = {}): Promise<OpenAnswer> {
    const response = await this.#fetch(toRequest(method, path, options), undefined, this.#context);
    return readSlowly(response);
  }

  async impatient(): Promise<ImpatientClient> {
    const controller = new AbortController();
    return {
      send: (method, path, options = {}) => {
        const request = new Request(toRequest(method, path, options), { signal: controller.signal });
        // The host notices that its client has gone, and lets go of the body.
        void (async () => {
          const response = await this.#fetch(request, undefined, this.#context);
          if (controller.signal.aborted) await response.body?.cancel(controller.signal.reason);
          else await response.text();
        })();
      },
      hangUp: async () => controller.abort(),
    };
  }

  async finish(): Promise<void> {
    openSessions.delete(this);
    for (let seen = 0; seen < this.#settled.length;) {
      seen = this.#settled.length;
      await Promise.all(this.#settled);
    }
    await this.#close?.();
  }
}

function readSlowly(response: Response): OpenAnswer {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let body = "";
  let isDone = reader === undefined;
  const readOne = async (): Promise<void> => {
    const { done, value } = await reader!.read();
    isDone = done;
    if (value) body += decoder.decode(value, { stream: true });
  };
  return {
    status: response.status,
    headers: response.headers,
    async received(text) {
      while (!isDone && !body.includes(text)) await readOne();
      if (!body.includes(text))
        throw new Error(`The body ended without ${JSON.stringify(text)}: ${JSON.stringify(body)}`);
    },
    async rest() {
      while (!isDone) await readOne();
      return body;
    },
    async hangUp() {
      await reader?.cancel(new Error("The client has gone."));
    },
  };
}

function toRequest(method: string, path: string, { headers, json, form, body }: SendOptions): Request {
  return new Request(new URL(path, "http://127.0.0.1"), {
    method,
    headers: { ...(json !== undefined && { "content-type": "application/json" }), ...headers },
    ...(json !== undefined && { body: JSON.stringify(json) }),
    ...(form && { body: form }),
    ...(body !== undefined && { body: body as BodyInit }),
  });
}
