import { AfterwordError } from "../internal/afterword-error.ts";
import { detailResponse } from "../internal/detail-response.ts";

/**
 * Thrown by `addTask` when `background.maxPending` tasks wait already. Unhandled, it is answered as 503 with
 * `Retry-After`. Its code is `too_many_tasks`.
 */
export class TooManyTasksError extends AfterwordError {
  /** Seconds after which a client may try again. */
  readonly retryAfterSeconds: number;
  /** The status it is answered with; other frameworks read one of the two names. */
  readonly status = 503 as const;
  readonly statusCode = 503 as const;
  /** The headers it is answered with. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(maxPending: number, retryAfterSeconds = 1) {
    super(
      "too_many_tasks",
      `${maxPending} background tasks wait already (background.maxPending), so another is not accepted. Try again later, add fewer, or raise the limit.`,
    );
    this.retryAfterSeconds = retryAfterSeconds;
    this.headers = { "retry-after": String(retryAfterSeconds) };
  }

  /** What it is answered with. Hono asks for it. */
  getResponse(): Response {
    return detailResponse(this.status, this.message, this.headers);
  }
}
