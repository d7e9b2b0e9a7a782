import { AfterwordError } from "../internal/afterword-error.ts";

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

  constructor(code: StoreError["code"], message: string, options?: ErrorOptions & { retryAfterSeconds?: number }) {
    super(code, message, options);
    this.retryAfterSeconds = options?.retryAfterSeconds ?? 1;
  }
}
