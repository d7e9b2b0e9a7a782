import { STATUS_CODES } from "node:http";
import { TooManyTasksError } from "../background/too-many-tasks-error.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { detailResponse } from "../internal/detail-response.ts";
import { formatValue } from "../internal/format-value.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { isThenable, type Awaitable } from "../internal/thenable.ts";
import { toResponse } from "../responses/to-response.ts";
import { StoreError } from "../tasks/store-error.ts";
import { ValidationError } from "./validation-error.ts";

/** A class of errors. */
export type ErrorClass<E> = abstract new (...args: never[]) => E;

/** Turns an error into what a handler may return. */
export type ErrorHandler<E> = (error: E, request: Request) => unknown;

/** Told of each error that nobody handled and whose cause is the operator's affair: it was answered as 500, or as 503. */
export type ReportUnhandled = (error: unknown, request: Request, status: 500 | 503) => void;

/** How errors become responses: by the handler of the nearest class, else by the rules of the framework. */
export class ErrorHandlers {
  readonly #handlers = new Map<unknown, ErrorHandler<never>>();

  /** @throws {DeclarationError} when it is not a class and a function */
  set<E>(errorClass: ErrorClass<E>, handler: ErrorHandler<E>): void {
    if (typeof errorClass !== "function" || typeof handler !== "function")
      throw new DeclarationError(
        `onError() expects (ErrorClass, (error, request) => response), but got (${formatValue(errorClass)}, ${formatValue(handler)}).`,
      );
    this.#handlers.set(errorClass, handler as ErrorHandler<never>);
  }

  /** The response to an error. Never throws: what a handler throws is answered in its turn, by the rules. */
  toResponse(error: unknown, request: Request, report: ReportUnhandled): Awaitable<Response> {
    const handler = this.#find(error);
    if (handler === undefined) return answer(error, request, report);
    try {
      const result = handler(error as never, request);
      if (!isThenable(result)) return render(result, request, report);
      return result.then(
        (value) => render(value, request, report),
        (second: unknown) => answer(second, request, report),
      );
    } catch (second) {
      return answer(second, request, report);
    }
  }

  /** That of the nearest class. The framework's own errors have theirs, which a handler for `Error` does not take from them. */
  #find(error: unknown): ErrorHandler<never> | undefined {
    if (this.#handlers.size === 0 || typeof error !== "object" || error === null) return undefined;
    for (
      let type = Object.getPrototypeOf(error)?.constructor;
      typeof type === "function";
      type = Object.getPrototypeOf(type)
    ) {
      const handler = this.#handlers.get(type);
      if (handler) return handler;
      if (ownErrors.has(type)) return undefined;
    }
    return undefined;
  }
}

/** Errors that say by themselves what they are answered with. */
const ownErrors: ReadonlySet<unknown> = new Set([HTTPException, ValidationError, TooManyTasksError, StoreError]);

/** Whether an error says by itself what it is answered with. */
export function isAnswerable(error: unknown): error is { getResponse(): Response } {
  return (
    error instanceof HTTPException ||
    error instanceof ValidationError ||
    error instanceof TooManyTasksError ||
    error instanceof StoreError
  );
}

function render(result: unknown, request: Request, report: ReportUnhandled): Awaitable<Response> {
  try {
    const response = toResponse(result, { status: 500 }, request);
    if (!isThenable(response)) return response;
    return response.then(undefined, (error: unknown) => answer(error, request, report));
  } catch (error) {
    return answer(error, request, report);
  }
}

function answer(error: unknown, request: Request, report: ReportUnhandled): Response {
  if (error instanceof StoreError && error.code !== "queue_full") report(error, request, 503);
  if (isAnswerable(error)) return error.getResponse();
  if (isHonoException(error)) return toOwnForm(error);
  report(error, request, 500);
  // The text of FastAPI; the error itself stays on this side.
  return new Response("Internal Server Error", {
    status: 500,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

/** What Hono's middleware throws to refuse a request, of whichever copy of Hono it comes from. */
interface HonoException extends Error {
  readonly status: number;
  readonly res?: Response;
  getResponse(): Response;
}

function isHonoException(error: unknown): error is HonoException {
  if (!(error instanceof Error) || !("status" in error) || !("getResponse" in error)) return false;
  return typeof error.status === "number" && typeof error.getResponse === "function";
}

/** Its own response if it has one, such as that of basicAuth with its challenge; else the form of all other refusals. */
function toOwnForm(error: HonoException): Response {
  if (error.res) return error.getResponse();
  return detailResponse(error.status, error.message || (STATUS_CODES[error.status] ?? `HTTP ${error.status}`));
}
