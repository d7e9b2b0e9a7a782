import type { HeadersInput } from "../internal/platform.ts";
import { mergeHeaders } from "./headers.ts";

const placeholder = new TextEncoder().encode(
  "This response can be sent only by an Afterword app: return it from an endpoint.",
);

/**
 * A response that cannot be finished without the request, or not yet. The app renders it when it was returned.
 *
 * It is a real `Response`, so it can be returned, given a background and passed through code that knows only the
 * platform; but until it is rendered it is a placeholder of status 500, which somebody who sends it elsewhere will see. Its
 * headers are those of the user, and what is set on them is sent.
 */
export abstract class DeferredResponse extends Response {
  constructor(headers: HeadersInput | undefined) {
    // Bytes, because for a string the platform would add a Content-Type to the user's headers.
    super(placeholder, { status: 500, headers: new Headers(mergeHeaders({}, headers)) });
  }

  /** Whether it tells of the request's jobs, and is rendered when they are stored; others are rendered before. */
  readonly isLate: boolean = false;

  /**
   * The response to send. Called once. Rejects with an `HTTPException` where that is the answer.
   *
   * @param locateJob - where the status of a job can be asked for
   */
  abstract render(request: Request, locateJob?: (id: string) => string | undefined): Promise<Response>;
}

/** Whether `value` must be rendered before it is sent. */
export function isDeferred(value: unknown): value is DeferredResponse {
  return value instanceof DeferredResponse;
}
