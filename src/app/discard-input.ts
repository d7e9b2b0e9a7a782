import type { ServerResponse } from "node:http";

/** How long a client may go on sending after an answer with which the connection ends. */
const lingerMs = 1_000;

/**
 * For an answer that leaves before the request has come to its end: what still comes is thrown away.
 *
 * Left unread it would keep a connection that stays open from its next request. And a connection that is closed with
 * something unread is reset, which can take the answer away from a client that is still sending (RFC 9112, section 9.6):
 * so it is closed on our side first, and altogether when the client has closed it or its time is over.
 */
export function discardInput(outgoing: ServerResponse): void {
  // Before Node's own listener, which closes the connection or waits for the next request.
  outgoing.prependOnceListener("finish", () => {
    const incoming = outgoing.req;
    const { socket } = incoming;
    if (incoming.complete || socket.destroyed) return;
    // Node calls it for an answer with "connection: close".
    socket.destroySoon = () => {
      socket.end();
      // Past the HTTP parser, so that no further request is taken from what comes.
      socket.removeAllListeners("data").on("data", () => {});
      socket.resume();
      const timer = setTimeout(() => socket.destroy(), lingerMs);
      socket.once("close", () => clearTimeout(timer));
    };
    incoming.once("end", () => Reflect.deleteProperty(socket, "destroySoon"));
    incoming.removeAllListeners("data");
    incoming.resume();
  });
}
