import type { SocketListener, SocketTransport } from "./transport.ts";

/** What a host that can do it puts into the environment of a request to open a WebSocket. */
export interface Upgrade {
  /** Set by the route that accepts it; what answers the request then are the headers of the handshake. */
  accepted: AcceptedUpgrade | undefined;
}

/** How a route wants its WebSocket. */
export interface AcceptedUpgrade {
  /** The subprotocol; empty for none. */
  readonly protocol: string;
  /** A longer message closes the connection with 1009. */
  readonly maxMessageBytes: number;
  /** How often the client is asked for a sign of life; `undefined` for never. */
  readonly heartbeatMs: number | undefined;
  /** To be called once, when the connection is open. */
  opened(transport: SocketTransport): SocketListener;
  /** To be called instead when the handshake fails after all. */
  failed(): void;
  /** Resolves when the handler has ended, the connection has closed, and the tasks may start. */
  readonly ended: Promise<void>;
}

/** The key of the environment under which an {@link Upgrade} stands. */
export const upgradeKey: unique symbol = Symbol("afterword.upgrade");
