import { connect, type Socket } from "node:net";
import { within } from "./wait-until.ts";

/** What a raw request sends. */
export interface RawRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface RawHead {
  readonly status: number;
  readonly headers: Headers;
}

export interface RawResponse extends RawHead {
  readonly body: Buffer;
  readonly text: string;
  /** Bytes on the wire, head and framing included. */
  readonly wireBytes: number;
}

/** One arrival of bytes. */
export interface Arrival {
  readonly atMs: number;
  readonly bytes: number;
}

const open = new Set<RawClient>();

/** Destroys the connections that a test has left open. */
export function closeRawClients(): void {
  for (const client of open) client.reset();
}

/** One TCP connection that speaks HTTP/1.1, keeps it alive, and can be slow, rude or gone whenever a test wants. */
export class RawClient {
  readonly arrivals: Arrival[] = [];
  readonly closed: Promise<void>;
  readonly localPort: number;
  isClosed = false;
  readonly #socket: Socket;
  readonly #exchanges: RawExchange[] = [];
  #pending: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.localPort = socket.localPort!;
    socket.setNoDelay(true);
    socket.on("data", (data) => this.#receive(data));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.isClosed = true;
        open.delete(this);
        for (const exchange of this.#exchanges.splice(0)) exchange.end();
        resolve();
      });
    });
    socket.once("end", () => this.#exchanges[0]?.endOfStream());
    open.add(this);
  }

  static async connect(port: number, host = "127.0.0.1"): Promise<RawClient> {
    const socket = connect({ port, host, allowHalfOpen: false });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new RawClient(socket);
  }

  /** Sends a whole request. Several may be on their way: answers come in the order of the requests. */
  send(method: string, target: string, { headers = {}, body }: RawRequest = {}): RawExchange {
    const exchange = this.begin(method, target, {
      ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
      ...headers,
    });
    if (body !== undefined) this.write(body);
    return exchange;
  }

  /** Sends the head of a request; the body is the caller's to write. */
  begin(method: string, target: string, headers: Readonly<Record<string, string>> = {}): RawExchange {
    const exchange = new RawExchange(method);
    if (this.isClosed) {
      exchange.end();
      return exchange;
    }
    this.#exchanges.push(exchange);
    const lines = Object.entries({ host: "127.0.0.1", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.write(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
    return exchange;
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Reads no more, until {@link resume}: the buffers of both sides fill up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says that no more requests will come, and goes on reading. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Closes the connection, as a program that ends. */
  hangUp(): void {
    this.#socket.destroy();
  }

  /** Resets the connection, as a program that crashes. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #receive(data: Buffer): void {
    this.arrivals.push({ atMs: performance.now(), bytes: data.length });
    let rest = this.#pending.length === 0 ? data : Buffer.concat([this.#pending, data]);
    for (let exchange = this.#exchanges[0]; exchange && rest.length > 0; exchange = this.#exchanges[0]) {
      rest = exchange.feed(rest);
      if (!exchange.isDone) break;
      this.#exchanges.shift();
    }
    this.#pending = rest;
  }
}

/** One request on a {@link RawClient}, and its response as it comes in. */
export class RawExchange {
  /** Rejects when the connection ends before. */
  readonly head: Promise<RawHead>;
  /** Rejects when the connection ends before the last byte. */
  readonly response: Promise<RawResponse>;
  isDone = false;
  isCut = false;
  readonly #method: string;
  readonly #head = Promise.withResolvers<RawHead>();
  readonly #response = Promise.withResolvers<RawResponse>();
  readonly #body: Buffer[] = [];
  readonly #waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  #known: RawHead | undefined;
  #framing: "none" | "length" | "chunked" | "close" = "none";
  #left = 0;
  #chunk: "size" | "data" | "trailer" = "size";
  #wireBytes = 0;

  constructor(method: string) {
    this.#method = method;
    this.head = this.#head.promise;
    this.response = this.#response.promise;
    // A test that expects the connection to break looks at one of them only.
    this.head.catch(() => {});
    this.response.catch(() => {});
  }

  /** The decoded body so far. */
  get bodySoFar(): string {
    return Buffer.concat(this.#body).toString();
  }

  /** Resolves when `text` has come in. */
  async received(text: string, withinMs = 5_000): Promise<void> {
    if (this.bodySoFar.includes(text)) return;
    const received = new Promise<void>((resolve) => this.#waiting.push({ text, resolve }));
    await within(received, withinMs, `"${text}" in the body; so far: ${JSON.stringify(this.bodySoFar.slice(-200))}`);
  }

  /** Takes what belongs to this response and returns the rest. */
  feed(data: Buffer): Buffer {
    const before = data.length;
    const rest = this.#feed(data);
    this.#wireBytes += before - rest.length;
    if (this.isDone) this.#finish();
    return rest;
  }

  /** The server has said that no more comes: the end of a body without a length. */
  endOfStream(): void {
    if (this.#framing !== "close" || this.isDone) return;
    this.isDone = true;
    this.#finish();
  }

  /** The connection is gone. */
  end(): void {
    this.endOfStream();
    if (this.isDone) return;
    this.isCut = true;
    const error = new Error(
      `The connection ended before the response did; status ${this.#known?.status ?? "unknown"}, body so far ${JSON.stringify(this.bodySoFar.slice(-200))}`,
    );
    this.#head.reject(error);
    this.#response.reject(error);
  }

  #feed(data: Buffer): Buffer {
    let rest = data;
    if (this.#known === undefined) {
      const end = rest.indexOf("\r\n\r\n");
      if (end < 0) return rest;
      const head = parseHead(rest.subarray(0, end).toString("latin1"));
      rest = rest.subarray(end + 4);
      if (head.status < 200) return rest.length > 0 ? this.#feed(rest) : rest;
      this.#known = head;
      this.#frame(head);
      this.#head.resolve(head);
    }
    switch (this.#framing) {
      case "none":
        this.isDone = true;
        return rest;
      case "length": {
        const part = rest.subarray(0, this.#left);
        this.#take(part);
        this.#left -= part.length;
        this.isDone = this.#left === 0;
        return rest.subarray(part.length);
      }
      case "chunked":
        return this.#feedChunks(rest);
      case "close":
        this.#take(rest);
        return Buffer.alloc(0);
    }
  }

  #frame({ status, headers }: RawHead): void {
    if (this.#method === "HEAD" || status === 204 || status === 304) this.#framing = "none";
    else if (headers.get("transfer-encoding")?.includes("chunked")) this.#framing = "chunked";
    else if (headers.has("content-length")) {
      this.#framing = "length";
      this.#left = Number(headers.get("content-length"));
    } else this.#framing = "close";
  }

  #feedChunks(data: Buffer): Buffer {
    let rest = data;
    while (!this.isDone) {
      if (this.#chunk === "data") {
        if (rest.length === 0) return rest;
        const part = rest.subarray(0, Math.max(0, this.#left - 2));
        this.#take(part);
        // The two bytes after the data are CR LF.
        const taken = Math.min(rest.length, this.#left);
        this.#left -= taken;
        rest = rest.subarray(taken);
        if (this.#left > 0) return rest;
        this.#chunk = "size";
        continue;
      }
      const end = rest.indexOf("\r\n");
      if (end < 0) return rest;
      const line = rest.subarray(0, end).toString("latin1");
      rest = rest.subarray(end + 2);
      if (this.#chunk === "trailer") {
        if (line === "") this.isDone = true;
        continue;
      }
      const size = Number.parseInt(line, 16);
      this.#chunk = size === 0 ? "trailer" : "data";
      this.#left = size + 2;
    }
    return rest;
  }

  #take(part: Buffer): void {
    if (part.length === 0) return;
    this.#body.push(Buffer.from(part));
    if (this.#waiting.length === 0) return;
    const body = this.bodySoFar;
    for (const waiter of this.#waiting.splice(0)) {
      if (body.includes(waiter.text)) waiter.resolve();
      else this.#waiting.push(waiter);
    }
  }

  #finish(): void {
    const body = Buffer.concat(this.#body);
    this.#response.resolve({ ...this.#known!, body, text: body.toString(), wireBytes: this.#wireBytes });
  }
}

function parseHead(text: string): RawHead {
  const [statusLine, ...lines] = text.split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return { status: Number(statusLine!.split(" ")[1]), headers };
}
