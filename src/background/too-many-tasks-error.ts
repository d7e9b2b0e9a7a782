import { AfterwordError } from "../internal/afterword-error.ts";

/**
 * Thrown by `addTask` when `background.maxPending` tasks wait already. Unhandled, it is answered as 503 with
 * `Retry-After`. Its code is `too_many_tasks`.
 */
export class TooManyTasksError extends AfterwordError {
  /** Seconds after which a client may try again. */
  readonly retryAfterSeconds: number;

  constructor(maxPending: number, retryAfterSeconds = 1) {
    super(
      "too_many_tasks",
      `${maxPending} background tasks wait already (background.maxPending), so another is not accepted. Try again later, add fewer, or raise the limit.`,
    );
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
