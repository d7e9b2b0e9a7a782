import { connect, type Socket } from "node:net";
import { RawExchange } from "../support/raw-client.ts";

/** A connection on which a test writes whatever bytes it likes, and what comes back. */
export interface RawConnection {
  readonly socket: Socket;
  /** The first answer that comes; its promises reject when the connection ends before. */
  readonly exchange: RawExchange;
  /** Resolves when the connection is closed, by whichever side. */
  readonly closed: Promise<void>;
}

/** Opens a connection whose first request is of `method`, as far as the answer's framing needs it. */
export async function openRaw(port: number, method = "POST"): Promise<RawConnection> {
  const socket = connect({ port, host: "127.0.0.1" });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const exchange = new RawExchange(method);
  let pending: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on("error", () => {});
  socket.on("data", (data) => {
    if (!exchange.isDone) pending = exchange.feed(Buffer.concat([pending, data]));
  });
  socket.once("end", () => exchange.endOfStream());
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      exchange.end();
      resolve();
    });
  });
  return { socket, exchange, closed };
}

/** How one request of raw bytes ended. */
export type RawEnding = { readonly status: number; readonly text: string } | "closed";

/** Sends bytes and tells the answer, or that the server closed the connection without one. */
export async function sendBytes(port: number, bytes: string | Uint8Array, method = "POST"): Promise<RawEnding> {
  const { socket, exchange } = await openRaw(port, method);
  socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  try {
    const { status, text } = await exchange.response;
    return { status, text };
  } catch {
    return "closed";
  } finally {
    socket.destroy();
  }
}
