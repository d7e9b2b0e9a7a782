import { STATUS_CODES } from "node:http";
import { detailResponse } from "./detail-response.ts";

/**
 * Ends a request with a status and `{"detail": …}`.
 *
 * @example
 * ```ts
 * import { App, HTTPException, path } from "afterword";
 *
 * new App().get("/items/:id", { id: path() }, ({ id }) => {
 *   if (id !== "1") throw new HTTPException(404, "Item not found");
 *   return { id };
 * });
 * ```
 */
export class HTTPException extends Error {
  /** The HTTP status, 400 to 599 as a rule. */
  readonly status: number;
  /** The same, by the name that Fastify and Nest read. */
  get statusCode(): number {
    return this.status;
  }

  /** Any JSON value: the `detail` of the body. */
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  /** `detail` is the status's standard phrase by default: `"Not Found"`. */
  constructor(
    status: number,
    detail?: unknown,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    if (!Number.isInteger(status) || status < 200 || status > 599)
      throw new RangeError(
        `new HTTPException(status) expects an HTTP status from 200 to 599, but got ${String(status)}.`,
      );
    const phrase = STATUS_CODES[status] ?? `HTTP ${status}`;
    super(typeof detail === "string" ? detail : phrase, options);
    this.name = "HTTPException";
    this.status = status;
    this.detail = detail ?? phrase;
    this.headers = headers;
  }

  /** What it is answered with. Hono asks for it. */
  getResponse(): Response {
    return detailResponse(this.status, this.detail, this.headers);
  }
}
