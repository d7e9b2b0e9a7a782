import { AfterwordError } from "../internal/afterword-error.ts";
import { openConnection, WebSocketConnection } from "../websocket/websocket-connection.ts";
import type { CloseInfo, SocketListener, SocketTransport } from "../websocket/transport.ts";
import type { AcceptedUpgrade } from "../websocket/upgrade.ts";

/** The app answered a request for a WebSocket in another way: with a 401, a 404, a 422. Its code is `websocket_refused`. */
export class WebSocketRefusedError extends AfterwordError {
  /** What it answered. */
  readonly response: Response;

  constructor(response: Response) {
    super("websocket_refused", `The WebSocket was refused: the app answered with ${response.status}.`);
    this.response = response;
  }
}

/** The client's side of a test WebSocket. When its `closed` resolves, the background tasks of the server's side have ended. */
export class TestSocket extends WebSocketConnection implements AsyncDisposable {
  readonly #unhandled: readonly unknown[];

  constructor(unhandled: readonly unknown[]) {
    super();
    this.#unhandled = unhandled;
  }

  /** Closes it and waits for the background tasks; then, with `raiseServerErrors`, throws what the handler threw. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
    if (this.#unhandled.length > 0) throw this.#unhandled[0];
  }
}

/** Connects the route that accepted with a client's side, without a network. Each message takes a turn of the event loop. */
export function connectTest(
  accepted: AcceptedUpgrade,
  settle: () => Promise<void>,
  unhandled: readonly unknown[],
): TestSocket {
  const client = new TestSocket(unhandled);
  let isClosed = false;
  const close = (info: CloseInfo): void => {
    if (isClosed) return;
    isClosed = true;
    setImmediate(() => {
      server.closed(info);
      void accepted.ended.then(settle).then(() => mine.closed(info));
    });
  };
  const transportTo = (other: () => SocketListener): SocketTransport => ({
    protocol: accepted.protocol,
    bufferedBytes: 0,
    send: (data) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Error("The other side has closed."));
        const copy = typeof data === "string" ? data : Uint8Array.from(data);
        setImmediate(() => {
          other().message(copy);
          resolve();
        });
      }),
    close: (code, reason) => close({ code, reason }),
    terminate: () => close({ code: 1006, reason: "" }),
    pause() {},
    resume() {},
  });
  const mine: SocketListener = openConnection(
    client,
    transportTo(() => server),
  );
  const server: SocketListener = accepted.opened(transportTo(() => mine));
  return client;
}
