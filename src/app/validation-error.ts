import type { Problem } from "../dependencies/problem.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import { detailResponse } from "../internal/detail-response.ts";

/**
 * The input of a request did not fit its declarations: answered as 422 with `{"detail": problems}`. Give the app an
 * `onError(ValidationError, …)` to answer in another form. Its code is `invalid_request`.
 */
export class ValidationError extends AfterwordError {
  /** All problems of all places, in the order in which the declarations stand. */
  readonly problems: readonly Problem[];
  /** The status it is answered with; other frameworks read one of the two names. */
  readonly status = 422 as const;
  readonly statusCode = 422 as const;

  constructor(problems: readonly Problem[]) {
    super(
      "invalid_request",
      `The request has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}: ${problems.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ")}`,
    );
    this.problems = problems;
  }

  /** What it is answered with. Hono asks for it. */
  getResponse(): Response {
    return detailResponse(this.status, this.problems);
  }
}

/** What a handler returned did not fit the route's response schema: answered as 500. Its code is `invalid_response`. */
export class ResponseValidationError extends AfterwordError {
  constructor(
    label: string,
    issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[],
  ) {
    const list = issues
      .map(
        ({ message, path }) =>
          `${path?.length ? `${path.map((part) => String((part as { key?: unknown })?.key ?? part)).join(".")}: ` : ""}${message}`,
      )
      .join("; ");
    super("invalid_response", `What the handler of ${label} returned does not fit its response schema: ${list}.`);
  }
}
