import { TooManyTasksError } from "../background/too-many-tasks-error.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
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

  #find(error: unknown): ErrorHandler<never> | undefined {
    if (this.#handlers.size === 0 || typeof error !== "object" || error === null) return undefined;
    for (
      let type = Object.getPrototypeOf(error)?.constructor;
      typeof type === "function";
      type = Object.getPrototypeOf(type)
    ) {
      const handler = this.#handlers.get(type);
      if (handler) return handler;
    }
    return undefined;
  }
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
  if (error instanceof HTTPException) return detail(error.status, error.detail, error.headers);
  if (error instanceof ValidationError) return detail(422, error.problems);
  if (error instanceof TooManyTasksError) return busy(error.message, error);
  if (error instanceof StoreError) {
    if (error.code !== "queue_full") report(error, request, 503);
    return busy(storeDetails[error.code], error);
  }
  report(error, request, 500);
  // The text of FastAPI; the error itself stays on this side.
  return new Response("Internal Server Error", {
    status: 500,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

/** Where jobs are stored, and what is wrong there, stays on this side. */
const storeDetails: Readonly<Record<StoreError["code"], string>> = {
  not_stored: "The tasks of this request could not be stored. Try again later.",
  maybe_stored: "It is not known whether the tasks of this request were stored. Try again later.",
  queue_full: "Too many tasks wait already. Try again later.",
  broker_closed: "The tasks of this request could not be stored. Try again later.",
};

function busy(text: string, { retryAfterSeconds }: { readonly retryAfterSeconds: number }): Response {
  return detail(503, text, { "retry-after": String(retryAfterSeconds) });
}

function detail(status: number, value: unknown, headers?: Readonly<Record<string, string>>): Response {
  return new Response(JSON.stringify({ detail: value }), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}
