import { promisify } from "node:util";
import type { RawData, WebSocket } from "ws";
import type { SocketListener, SocketTransport } from "../websocket/transport.ts";
import type { AcceptedUpgrade } from "../websocket/upgrade.ts";

/** Connects a WebSocket of the library with one of ours. */
export function carry(connection: WebSocket, accepted: AcceptedUpgrade): void {
  const send = promisify(connection.send.bind(connection) as (data: unknown, done: (error?: Error) => void) => void);
  let isPaused = false;
  const transport: SocketTransport = {
    protocol: connection.protocol,
    get bufferedBytes() {
      return connection.bufferedAmount;
    },
    send: (data) => send(data),
    close: (code, reason) => {
      // The answer of the client is to be read.
      if (isPaused) transport.resume();
      connection.close(code, reason);
    },
    terminate: () => connection.terminate(),
    pause() {
      isPaused = true;
      connection.pause();
    },
    resume() {
      isPaused = false;
      connection.resume();
    },
  };
  let listener: SocketListener | undefined;
  connection.on("message", (data: RawData, isBinary: boolean) => listener?.message(toMessage(data, isBinary)));
  // What breaks the protocol closes the connection; that is told by `close`.
  connection.on("error", ignore);
  connection.on("close", (code, reason) => listener?.closed({ code, reason: reason.toString() }));
  if (accepted.heartbeatMs !== undefined) beat(connection, accepted.heartbeatMs, () => isPaused);
  listener = accepted.opened(transport);
}

/** Cuts a connection whose client gives no sign of life from one beat to the next. */
function beat(connection: WebSocket, everyMs: number, isPaused: () => boolean): void {
  let isAlive = true;
  const live = (): void => {
    isAlive = true;
  };
  connection.on("pong", live);
  connection.on("message", live);
  const timer = setInterval(() => {
    // While the client is not read from, its answers are not either.
    if (isPaused()) return live();
    if (!isAlive) return connection.terminate();
    isAlive = false;
    connection.ping();
  }, everyMs);
  timer.unref();
  connection.once("close", () => clearInterval(timer));
}

/** Bytes are of the message alone: the library's may be part of a larger buffer, and of several parts. */
function toMessage(data: RawData, isBinary: boolean): string | Uint8Array {
  const buffer = Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);
  return isBinary ? Uint8Array.from(buffer) : buffer.toString();
}

function ignore(): void {}
