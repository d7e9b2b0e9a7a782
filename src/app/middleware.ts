import type { MiddlewareHandler } from "hono";
import { takeBackground } from "../responses/attached-background.ts";
import { Exchange, exchangeKey, type ExchangeContext } from "./exchange.ts";
import { errorToResponse, reasonOf, type HandleHost } from "./handle.ts";

type ExchangeMiddleware = (context: ExchangeContext, next: () => Promise<void>) => Promise<Response | void>;

/** Carries what a middleware threw that is not an `Error` through Hono, which handles only those. */
class ThrownValue extends Error {
  constructor(value: unknown) {
    super("A middleware threw a value that is not an Error.", { cause: value });
  }
}

/** A user's middleware: Hono sees everything that it throws, and what it attached to the response in place is collected. */
export function guarded(middleware: MiddlewareHandler, host: HandleHost): ExchangeMiddleware {
  const call = middleware as unknown as ExchangeMiddleware;
  return async (context, next) => {
    try {
      const response = await call(context, next);
      if (context.finalized) collect(context.res, context, host);
      return response;
    } catch (error) {
      throw error instanceof Error ? error : new ThrownValue(error);
    }
  };
}

/**
 * The outermost middleware: the response that comes out here is the one that leaves, whoever wrapped or replaced it on
 * the way, and its end starts the tasks.
 *
 * A background is bound to one response object, and Hono copies responses when they are set or get a header. So each one
 * that is set as `context.res` is asked for what it carries before it is copied.
 */
export function sealing(host: HandleHost): ExchangeMiddleware {
  return async (context, next) => {
    const { get, set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(context), "res")!;
    Object.defineProperty(context, "res", {
      configurable: true,
      get: get!,
      set(response: Response | undefined) {
        if (response) collect(response, context, host);
        set!.call(context, response);
      },
    });
    await next();
    const exchange = context.get(exchangeKey);
    if (exchange === undefined) return;
    let sealed: Response;
    try {
      await exchange.storeJobs();
      sealed = exchange.seal(context.res);
    } catch (error) {
      sealed = exchange.seal(await onMiddlewareError(error as Error, context, host));
    }
    if (sealed === context.res) return;
    // Hono merges the headers of the response that is replaced, unless there is none.
    context.res = undefined;
    context.res = sealed;
  };
}

/** Adds what a response carries to the tasks of its request; a request that had no route gets an exchange for it. */
function collect(response: Response, context: ExchangeContext, host: HandleHost): void {
  const background = takeBackground(response);
  if (background === undefined) return;
  let exchange = context.get(exchangeKey);
  if (exchange === undefined) {
    exchange = new Exchange(context, host, []);
    context.set(exchangeKey, exchange);
  }
  exchange.attach(background, context.error ? "always" : "success");
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
