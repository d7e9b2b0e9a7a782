import type { StandardSchemaV1 } from "@standard-schema/spec";
import { AfterwordError } from "../internal/afterword-error.ts";
import { assertClose, toReason, WebSocketClosedError, WebSocketException } from "./socket-errors.ts";
import type { CloseInfo, SocketListener, SocketTransport } from "./transport.ts";

/** Of messages that wait for the handler: with so many, or so many bytes, the client is not read from. */
const maxWaitingMessages = 64;
const maxWaitingBytes = 1_048_576;

let open: (connection: WebSocketConnection, transport: SocketTransport) => SocketListener;

interface Waiter {
  readonly resolve: (data: string | Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The server's side of a WebSocket: declared as a parameter of an `app.websocket` route or of a dependency under it.
 *
 * Messages are texts or bytes. A loop over the connection gets them in order until the client closes it; while the handler
 * is busy with one, a few are kept and then the client is not read from. When the handler returns, the connection is closed.
 *
 * @example
 * ```ts
 * import { App, BackgroundTasks, path, WebSocketConnection } from "afterword";
 *
 * const app = new App();
 * const log = (room: string, count: number) => console.log(`${count} messages in ${room}`);
 *
 * app.websocket(
 *   "/chat/:room",
 *   { room: path(), socket: WebSocketConnection, tasks: BackgroundTasks },
 *   async ({ room, socket, tasks }) => {
 *     let count = 0;
 *     for await (const message of socket) {
 *       count++;
 *       await socket.send(`${room}: ${String(message)}`);
 *     }
 *     tasks.addTask(log, room, count);
 *   },
 * );
 * ```
 */
export class WebSocketConnection implements AsyncIterable<string | Uint8Array> {
  #transport: SocketTransport | undefined;
  #isClosing = false;
  #closeInfo: CloseInfo | undefined;
  readonly #closed = Promise.withResolvers<CloseInfo>();
  readonly #waiting: (string | Uint8Array)[] = [];
  #waitingBytes = 0;
  #isPaused = false;
  readonly #waiters: Waiter[] = [];

  /** Resolves when it has closed, whoever did it. */
  readonly closed: Promise<CloseInfo> = this.#closed.promise;

  /** The subprotocol that was agreed on, of the route's `protocols`; empty for none. */
  get protocol(): string {
    return this.#transport?.protocol ?? "";
  }

  /** Whether messages can be sent: from the start of the handler until one side closes it. */
  get isOpen(): boolean {
    return this.#transport !== undefined && !this.#isClosing && this.#closeInfo === undefined;
  }

  /** How many bytes were sent and have not left yet, because the client reads slowly. */
  get bufferedBytes(): number {
    return this.#transport?.bufferedBytes ?? 0;
  }

  /**
   * Sends a text or bytes. Messages leave in the order of the calls.
   *
   * @returns a promise of the moment when it was handed to the operating system: whoever awaits it does not pile up messages
   *   for a client that reads slowly. Whoever does not await it misses only the error
   * @throws {WebSocketClosedError} when the connection has closed
   */
  send(data: string | Uint8Array): Promise<void> {
    const sent = this.#send(data);
    // A client that goes away is no reason to end the process.
    sent.catch(() => {});
    return sent;
  }

  /** Sends a value as JSON. */
  sendJson(value: unknown): Promise<void> {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError("sendJson() expects a JSON value, but got undefined or a function.");
    return this.send(text);
  }

  /**
   * The next message.
   *
   * @throws {WebSocketClosedError} when the connection has closed and no message is left
   */
  receive(): Promise<string | Uint8Array> {
    const data = this.#waiting.shift();
    if (data !== undefined) {
      this.#waitingBytes -= data.length;
      if (this.#isPaused && this.#waiting.length < maxWaitingMessages / 2 && this.#waitingBytes < maxWaitingBytes / 2) {
        this.#isPaused = false;
        this.#transport?.resume();
      }
      return Promise.resolve(data);
    }
    if (this.#closeInfo) return Promise.reject(new WebSocketClosedError(this.#closeInfo));
    const { promise, resolve, reject } = Promise.withResolvers<string | Uint8Array>();
    this.#waiters.push({ resolve, reject });
    return promise;
  }

  /**
   * The next message, parsed as JSON and, with a schema, checked by it. One that is not JSON closes the connection with 1007,
   * one that does not fit the schema with 1008, unless the handler catches the error.
   *
   * @throws {WebSocketException} for such a message
   * @throws {WebSocketClosedError} when the connection has closed and no message is left
   */
  receiveJson(): Promise<unknown>;
  receiveJson<S extends StandardSchemaV1>(schema: S): Promise<StandardSchemaV1.InferOutput<S>>;
  async receiveJson(schema?: StandardSchemaV1): Promise<unknown> {
    const data = await this.receive();
    let value: unknown;
    try {
      value = JSON.parse(typeof data === "string" ? data : new TextDecoder("utf-8", { fatal: true }).decode(data));
    } catch (cause) {
      throw new WebSocketException(1007, "The message is not JSON", { cause });
    }
    if (schema === undefined) return value;
    const result = await schema["~standard"].validate(value);
    if (!result.issues) return result.value;
    const list = result.issues.map(({ message, path }) => {
      const at = path?.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
      return at ? `${at}: ${message}` : message;
    });
    throw new WebSocketException(1008, toReason(`The message is not valid: ${list.join("; ")}`));
  }

  /** The messages, until the connection closes. Leaving the loop does not close it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string | Uint8Array, void, undefined> {
    for (;;) {
      let data: string | Uint8Array;
      try {
        data = await this.receive();
      } catch (error) {
        if (error instanceof WebSocketClosedError) return;
        throw error;
      }
      yield data;
    }
  }

  /**
   * Closes the connection; messages that were sent before leave first. Later calls do nothing.
   *
   * @param code - 1000 (the default) for a normal end; 3000 to 4999 are for applications
   * @param reason - at most 123 bytes
   * @throws {RangeError} for another code, or a longer reason
   */
  close(code = 1000, reason = ""): void {
    assertClose(code, reason);
    if (this.#isClosing || this.#closeInfo !== undefined) return;
    this.#isClosing = true;
    this.#transport?.close(code, reason);
  }

  async #send(data: string | Uint8Array): Promise<void> {
    if (typeof data !== "string" && !(data instanceof Uint8Array))
      throw new TypeError("send() expects a string or a Uint8Array; use sendJson() for other values.");
    if (this.#closeInfo) throw new WebSocketClosedError(this.#closeInfo);
    if (this.#transport === undefined)
      throw new AfterwordError(
        "socket_not_open",
        "The WebSocket is not open yet: dependencies are solved before it is. Send from the handler.",
      );
    if (this.#isClosing) throw new WebSocketClosedError({ code: 1000, reason: "this side has closed it" });
    try {
      await this.#transport.send(data);
    } catch {
      throw new WebSocketClosedError(this.#closeInfo ?? { code: 1006, reason: "the connection broke" });
    }
  }

  #open(transport: SocketTransport): SocketListener {
    this.#transport = transport;
    return {
      message: (data) => {
        const waiter = this.#waiters.shift();
        if (waiter) return waiter.resolve(data);
        this.#waiting.push(data);
        this.#waitingBytes += data.length;
        if (!this.#isPaused && (this.#waiting.length >= maxWaitingMessages || this.#waitingBytes >= maxWaitingBytes)) {
          this.#isPaused = true;
          transport.pause();
        }
      },
      closed: (info) => {
        if (this.#closeInfo !== undefined) return;
        this.#closeInfo = info;
        for (const { reject } of this.#waiters.splice(0)) reject(new WebSocketClosedError(info));
        this.#closed.resolve(info);
      },
    };
  }

  static {
    open = (connection, transport) => connection.#open(transport);
  }
}

/** Gives a connection what carries it. @returns what the transport tells its messages and its end to */
export function openConnection(connection: WebSocketConnection, transport: SocketTransport): SocketListener {
  return open(connection, transport);
}
