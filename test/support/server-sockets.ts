import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import type { RawClient } from "./raw-client.ts";
import { waitUntil } from "./wait-until.ts";

/** The server's ends of the connections of this process, by the client's port. */
const sockets = new Map<number, Socket>();
const writeListeners = new Map<number, (text: string) => void>();

subscribe("net.server.socket", (message) => {
  const { socket } = message as { socket: Socket };
  const port = socket.remotePort;
  if (port === undefined) return;
  sockets.set(port, socket);
  socket.once("close", () => {
    sockets.delete(port);
    writeListeners.delete(port);
  });
  const write = socket.write;
  socket.write = function (this: Socket, ...args: unknown[]) {
    const [chunk] = args;
    if (typeof chunk === "string") writeListeners.get(port)?.(chunk);
    else if (chunk instanceof Uint8Array) writeListeners.get(port)?.(Buffer.from(chunk).toString("latin1"));
    return Reflect.apply(write, this, args);
  } as Socket["write"];
});

/** The server's end of a client's connection: what was handed to it, and what of that the system has not taken yet. */
export function serverSocketOf(client: RawClient): Socket {
  const socket = sockets.get(client.localPort);
  if (!socket) throw new Error("The server has not accepted this connection, or it is closed.");
  return socket;
}

/** Calls `listener` with each piece of text that the server hands to the socket of this client's connection. */
export function onServerWrite(client: RawClient, listener: (text: string) => void): void {
  writeListeners.set(client.localPort, listener);
}

/** Resolves when the server has accepted this connection. */
export async function accepted(client: RawClient): Promise<void> {
  await waitUntil(() => sockets.has(client.localPort), { what: "the server accepts the connection" });
}
