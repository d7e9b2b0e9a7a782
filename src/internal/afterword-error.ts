/**
 * The base of every error that Afterword itself throws.
 *
 * `code` is stable across releases and safe to branch on; the message may be reworded. Each code has an entry in
 * docs/reference/errors.md that says what happened and how to mend it.
 *
 * @example
 * ```ts
 * import { AfterwordError } from "afterword";
 *
 * try {
 *   await Promise.reject(new AfterwordError("no_broker", "No broker is open."));
 * } catch (error) {
 *   if (error instanceof AfterwordError && error.code === "no_broker") console.log("open one first");
 * }
 * ```
 */
export class AfterwordError extends Error {
  /** Stable, machine-readable name of what went wrong, in snake_case. */
  readonly code: string;

  /** `options.cause` keeps the error that led to this one. */
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/**
 * A mistake in how something was declared: thrown when the route, dependency or task is defined, never while a request runs.
 * Its code is `invalid_declaration`.
 */
export class DeclarationError extends AfterwordError {
  constructor(message: string, options?: ErrorOptions) {
    super("invalid_declaration", message, options);
  }
}
