import { AfterwordError } from "../internal/afterword-error.ts";
import { detailResponse } from "../internal/detail-response.ts";

/** Where jobs are stored, and what is wrong there, stays on this side. */
const details: Readonly<Record<StoreError["code"], string>> = {
  not_stored: "What this request needs of the tasks' store could not be done. Try again later.",
  maybe_stored: "It is not known whether the tasks of this request were stored. Try again later.",
  queue_full: "Too many tasks wait already. Try again later.",
  broker_closed: "The tasks of this request could not be stored. Try again later.",
};

/**
 * The store of a broker did not do what it was asked. Unhandled in a request, it is answered as 503 with `Retry-After`.
 *
 * Its code says what is known:
 *
 * - `not_stored`: nothing has happened.
 * - `maybe_stored`: the answer of the store did not arrive, so it may have happened.
 * - `queue_full`: nothing has happened, because `maxQueued` jobs wait already.
 * - `broker_closed`: nothing has happened, because the broker is not open.
 */
export class StoreError extends AfterwordError {
  declare readonly code: "not_stored" | "maybe_stored" | "queue_full" | "broker_closed";
  /** Seconds after which a client may try again. */
  readonly retryAfterSeconds: number;
  /** The status it is answered with; other frameworks read one of the two names. */
  readonly status = 503 as const;
  readonly statusCode = 503 as const;
  /** The headers it is answered with. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: StoreError["code"], message: string, options?: ErrorOptions & { retryAfterSeconds?: number }) {
    super(code, message, options);
    this.retryAfterSeconds = options?.retryAfterSeconds ?? 1;
    this.headers = { "retry-after": String(this.retryAfterSeconds) };
  }

  /** What it is answered with. Hono asks for it. */
  getResponse(): Response {
    return detailResponse(this.status, details[this.code], this.headers);
  }
}
