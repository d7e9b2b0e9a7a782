import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { CloseInfo } from "./transport.ts";

/**
 * Ends the handler of a WebSocket and closes it with a code and a reason, as an `HTTPException` ends a request. Its tasks of
 * `when: "success"` are dropped; nothing is logged.
 *
 * @example
 * ```ts
 * import { App, WebSocketConnection, WebSocketException } from "afterword";
 *
 * new App().websocket("/echo", { socket: WebSocketConnection }, async ({ socket }) => {
 *   for await (const message of socket) {
 *     if (typeof message !== "string") throw new WebSocketException(1003, "Text only");
 *     await socket.send(message);
 *   }
 * });
 * ```
 */
export class WebSocketException extends Error {
  readonly code: number;
  readonly reason: string;

  /** @throws {RangeError} for a code that cannot be sent, or a reason of over 123 bytes */
  constructor(code: number, reason = "", options?: ErrorOptions) {
    assertClose(code, reason);
    super(reason === "" ? `The socket is closed with ${code}.` : reason, options);
    this.name = "WebSocketException";
    this.code = code;
    this.reason = reason;
  }
}

/**
 * Something was to be received from a WebSocket that has closed, or sent to it. A handler need not catch it: it ends the
 * handler as the end of the loop over the messages does. Its code is `socket_closed`.
 */
export class WebSocketClosedError extends AfterwordError {
  readonly closeCode: number;
  readonly reason: string;

  constructor({ code, reason }: CloseInfo) {
    super(
      "socket_closed",
      `The WebSocket has closed with ${code}${reason === "" ? "" : ` (${reason})`}: nothing is received from it or sent to it any more.`,
    );
    this.closeCode = code;
    this.reason = reason;
  }
}

/** RFC 6455, sections 7.4.1, 7.4.2 and 5.5. @throws {RangeError} */
export function assertClose(code: unknown, reason: unknown): void {
  const isCode =
    Number.isInteger(code) &&
    (((code as number) >= 1000 && (code as number) <= 1014 && ![1004, 1005, 1006].includes(code as number)) ||
      ((code as number) >= 3000 && (code as number) <= 4999));
  if (!isCode)
    throw new RangeError(
      `A WebSocket is closed with 1000 to 1003, 1007 to 1014 or 3000 to 4999, but got ${formatValue(code)}.`,
    );
  if (typeof reason !== "string" || Buffer.byteLength(reason) > 123)
    throw new RangeError(
      `The reason why a WebSocket is closed is a text of at most 123 bytes, but got ${formatValue(reason, 60)}.`,
    );
}

/** As much of a text as fits into a closing message. */
export function toReason(text: string): string {
  const bytes = Buffer.from(text);
  // What a cut may have left of a character is dropped.
  return bytes.length <= 123
    ? text
    : bytes
        .subarray(0, 123)
        .toString()
        .replace(/\uFFFD+$/, "");
}
