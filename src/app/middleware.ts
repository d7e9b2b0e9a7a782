import type { MiddlewareHandler } from "hono";
import { takeBackground } from "../responses/attached-background.ts";
import { Exchange, exchangeKey, type ExchangeContext } from "./exchange.ts";
import { errorToResponse, reasonOf, type HandleHost } from "./handle.ts";

/** Carries what a middleware threw that is not an `Error` through Hono, which handles only those. */
class ThrownValue extends Error {
  constructor(value: unknown) {
    super("A middleware threw a value that is not an Error.", { cause: value });
  }
}

/** Lets Hono see everything that a middleware throws. */
export function guarded(middleware: MiddlewareHandler): MiddlewareHandler {
  return async (context, next) => {
    try {
      return await middleware(context, next);
    } catch (error) {
      throw error instanceof Error ? error : new ThrownValue(error);
    }
  };
}

/**
 * The outermost middleware: the response that comes out here is the one that leaves, whoever wrapped or replaced it on
 * the way. What it carries is added to the tasks of the request, and its end starts them.
 */
export function sealing(host: HandleHost): (context: ExchangeContext, next: () => Promise<void>) => Promise<void> {
  return async (context, next) => {
    await next();
    const response = context.res;
    const background = takeBackground(response);
    const exchange = context.get(exchangeKey) ?? (background ? new Exchange(context, host, []) : undefined);
    if (exchange === undefined) return;
    exchange.attach(background, context.error ? "always" : "success");
    const sealed = exchange.seal(response);
    if (sealed === response) return;
    // Hono merges the headers of a response that it replaces, unless there is none.
    context.res = undefined;
    context.res = sealed;
  };
}

/** Hono's `onError`: something failed outside the handlers, so the request failed, whatever its handler returned. */
export function onMiddlewareError(
  thrown: Error,
  context: ExchangeContext,
  host: HandleHost,
): Response | Promise<Response> {
  const error = thrown instanceof ThrownValue ? thrown.cause : thrown;
  context.get(exchangeKey)?.fail(reasonOf(error));
  return errorToResponse(error, context, host) as Response | Promise<Response>;
}
