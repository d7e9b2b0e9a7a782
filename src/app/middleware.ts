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
    let isRead = false;
    let hasHeaders = false;
    const { header } = context;
    context.header = (...args: Parameters<typeof header>) => {
      if (!context.finalized) hasHeaders = true;
      header(...args);
    };
    Object.defineProperty(context, "res", {
      configurable: true,
      get() {
        isRead = true;
        return get!.call(context);
      },
      set(response: Response | undefined) {
        if (response === undefined) return set!.call(context, undefined);
        collect(response, context, host);
        // Where it was read, its headers are put onto the new one by Hono itself.
        const isFirst = hasHeaders && !isRead && !context.finalized;
        set!.call(
          context,
          isFirst ? withHeaders(response, (get!.call(context) as Response).headers, set!, context) : response,
        );
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

/**
 * Headers that middleware has set with `context.header()` before there was a response: Hono's own `context.json()` would have
 * them, a response that was made by hand has not. Its own win.
 */
function withHeaders(
  response: Response,
  headers: Headers,
  set: (response: Response | undefined) => void,
  context: ExchangeContext,
): Response {
  const dressed = new Response(response.body, response);
  for (const [name, value] of headers)
    if (name === "set-cookie") dressed.headers.append(name, value);
    else if (!dressed.headers.has(name)) dressed.headers.set(name, value);
  // Else Hono would merge what was read just now.
  set.call(context, undefined);
  return dressed;
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
