import type { HeadersInput } from "../internal/platform.ts";
import type { BackgroundTask } from "../background/background-task.ts";

/** What every response helper takes after its content. */
export interface ResponseOptions {
  /**
   * The HTTP status, 200 to 599. With 204, 205 and 304 there is no body, and none of the content is sent.
   *
   * @defaultValue 200, unless the helper says otherwise
   */
  readonly status?: number | undefined;
  /** Headers to send: a record, entries or a `Headers`. They win over those that the helper sets itself. */
  readonly headers?: HeadersInput | undefined;
  /** Runs after the response has left, after the tasks that were added to the request. A `BackgroundTasks` is one too. */
  readonly background?: BackgroundTask | undefined;
}
