import { closeFunctionScope, throwIntoGenerators } from "../dependencies/generators.ts";
import { isResponse } from "../internal/platform.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { andThen, isThenable, type Awaitable } from "../internal/thenable.ts";
import { isDeferred } from "../responses/deferred.ts";
import { takeBackground } from "../responses/attached-background.ts";
import { toResponse } from "../responses/to-response.ts";
import { discardBody } from "../responses/watch-body.ts";
import type { CompiledRoute } from "./compiled-route.ts";
import { describeThrown } from "./describe-thrown.ts";
import { discardInput } from "./discard-input.ts";
import { envOf, Exchange, exchangeKey, testHooks, type ExchangeContext, type ExchangeHost } from "./exchange.ts";
import type { ErrorHandlers } from "./error-handlers.ts";
import { ResponseValidationError, ValidationError } from "./validation-error.ts";

/** What handling a request needs of the app. */
export interface HandleHost extends ExchangeHost {
  readonly errorHandlers: ErrorHandlers;
  /** Whether middleware surrounds the routes: then the response is sealed when it has left the outermost. */
  readonly hasMiddleware: boolean;
  /** Told of errors that are answered as 500, or, where jobs could not be stored, as 503. */
  reportUnhandled(error: unknown, request: Request, status: number): void;
}

/** The Hono handler of a route. It stays synchronous as long as the declarations and the handler are. */
export function createHandler(
  route: CompiledRoute,
  host: HandleHost,
): (context: ExchangeContext) => Response | Promise<Response> {
  return (context) => {
    const { plan } = route;
    const exchange = new Exchange(context, host, plan.sources);
    if (host.hasMiddleware) context.set(exchangeKey, exchange);
    try {
      const solved = plan.solve(exchange);
      const response = isThenable(solved) ? solved.then(() => call(route, exchange)) : call(route, exchange);
      if (!isThenable(response)) return seal(exchange, response, host);
      return (response as Promise<Response>).then(
        (value) => {
          try {
            return seal(exchange, value, host);
          } catch (error) {
            return fail(exchange, error, context, host);
          }
        },
        (error: unknown) => fail(exchange, error, context, host),
      );
    } catch (error) {
      return fail(exchange, error, context, host);
    }
  };
}

function call(route: CompiledRoute, exchange: Exchange): Awaitable<Response> {
  if (exchange.problems) throw new ValidationError(exchange.problems);
  const result = route.handler(route.plan.arguments(exchange));
  return isThenable(result) ? result.then((value) => finish(route, exchange, value)) : finish(route, exchange, result);
}

/** From what the handler returned to its response: check the data, render it, close what must be closed before it leaves. */
function finish(route: CompiledRoute, exchange: Exchange, result: unknown): Awaitable<Response> {
  if (isResponse(result) || route.responseSchema === undefined) return render(route, exchange, result);
  return andThen(validateResult(route, result), (data) => render(route, exchange, data));
}

function validateResult(route: CompiledRoute, data: unknown): Awaitable<unknown> {
  return andThen(route.responseSchema!["~standard"].validate(data), (result) => {
    if (result.issues) throw new ResponseValidationError(route.label, result.issues);
    return result.value;
  });
}

function render(route: CompiledRoute, exchange: Exchange, data: unknown): Awaitable<Response> {
  const init = { status: exchange.replyStatus ?? route.status };
  if (isDeferred(data)) {
    attach(route, exchange, data);
    const rendered = (): Awaitable<Response> =>
      andThen(toResponse(data, init, exchange.req.raw, exchange.locateJob), (response) => exchange.dress(response));
    // What is rendered late tells of what was stored.
    if (data.isLate) return andThen(complete(exchange), rendered);
    return andThen(rendered(), (response) => leaveWith(exchange, response));
  }
  const response = exchange.dress(toResponse(data, init, exchange.req.raw) as Response);
  try {
    attach(route, exchange, response);
  } catch (error) {
    discardBody(response);
    throw error;
  }
  return leaveWith(exchange, response);
}

/** The response, when everything is done that must be done before it leaves. */
function leaveWith(exchange: Exchange, response: Response): Awaitable<Response> {
  const completed = complete(exchange);
  if (completed === undefined) return response;
  return completed.then(
    () => response,
    (error: unknown) => {
      discardBody(response);
      throw error;
    },
  );
}

/** Closes the function scope and then, since jobs may rely on what that has committed, stores the jobs. */
function complete(exchange: Exchange): PromiseLike<void> | undefined {
  if (exchange.opened === undefined) return exchange.storeJobs();
  const closed = closeFunctionScope(exchange);
  return isThenable(closed) ? (closed as Promise<void>).then(() => exchange.storeJobs()) : exchange.storeJobs();
}

/** Adds the tasks of the response and of the route to those of the request. */
function attach(route: CompiledRoute, exchange: Exchange, response: Response): void {
  exchange.attach(takeBackground(response));
  exchange.attach(route.definition.options.background);
}

function seal(exchange: Exchange, response: Response, host: HandleHost): Response {
  exchange.prepare();
  return host.hasMiddleware ? response : exchange.seal(response);
}

/** The response to an error, after the open dependencies have seen it. */
export function fail(
  exchange: Exchange,
  error: unknown,
  context: ExchangeContext,
  host: HandleHost,
): Response | Promise<Response> {
  if (exchange.opened)
    return throwIntoGenerators(exchange, error).then((failure) => answer(exchange, failure.error, context, host));
  return answer(exchange, error, context, host);
}

function answer(
  exchange: Exchange,
  error: unknown,
  context: ExchangeContext,
  host: HandleHost,
): Response | Promise<Response> {
  exchange.fail(reasonOf(error));
  if (error instanceof Error) context.error = error;
  const outgoing = envOf(context)?.outgoing;
  if (outgoing) discardInput(outgoing);
  const refuse = (second: unknown): Awaitable<Response> =>
    andThen(errorToResponse(second, context, host), (refusal) => seal(exchange, refusal, host));
  const response = andThen(errorToResponse(error, context, host), (value) => {
    let storing: Promise<void> | undefined;
    try {
      exchange.attach(takeBackground(value), "always");
      storing = exchange.storeJobs();
    } catch (tooMany) {
      return refuse(tooMany);
    }
    return storing === undefined
      ? seal(exchange, value, host)
      : storing.then(() => seal(exchange, value, host), refuse);
  });
  return response as Response | Promise<Response>;
}

/** The response to an error, by the app's handlers and the framework's rules. */
export function errorToResponse(error: unknown, context: ExchangeContext, host: HandleHost): Awaitable<Response> {
  return host.errorHandlers.toResponse(error, context.req.raw, (unhandled, request, status) => {
    const onUnhandled = envOf(context)?.[testHooks]?.onUnhandled;
    if (onUnhandled) onUnhandled(unhandled);
    else host.reportUnhandled(unhandled, request, status);
  });
}

/** Why the tasks of a request are dropped, for their outcome. */
export function reasonOf(error: unknown): string {
  if (error instanceof HTTPException)
    return `its request was answered with an HTTPException: ${error.status} ${error.message}`;
  if (error instanceof ValidationError) return `its request was answered with 422: ${error.message}`;
  return `its request failed: ${describeThrown(error)}`;
}
