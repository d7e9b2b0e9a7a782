/** What a connection needs of what carries it: a socket, or in tests the other side. */
export interface SocketTransport {
  /** The subprotocol that was agreed on; empty for none. */
  readonly protocol: string;
  /** What was sent and has not left yet. */
  readonly bufferedBytes: number;
  /** Resolves when the message was handed to the operating system; rejects when it cannot be. */
  send(data: string | Uint8Array): Promise<void>;
  /** Starts the closing handshake. Its end is told by {@link SocketListener.closed}. */
  close(code: number, reason: string): void;
  /** Cuts the connection. */
  terminate(): void;
  /** Stops reading until {@link resume}. */
  pause(): void;
  resume(): void;
}

/** What a transport tells a connection. */
export interface SocketListener {
  message(data: string | Uint8Array): void;
  /** Once, the last. */
  closed(info: CloseInfo): void;
}

/** How a WebSocket was closed. */
export interface CloseInfo {
  /** RFC 6455, section 7.4: 1000 for a normal end, 1001 when one side goes away, 1006 when the connection broke. */
  readonly code: number;
  readonly reason: string;
}
