import { AsyncLocalStorage } from "node:async_hooks";
import type { Next } from "hono";
import { closeFunctionScope, throwIntoGenerators } from "../dependencies/generators.ts";
import { HTTPException } from "../internal/http-exception.ts";
import { isThenable } from "../internal/thenable.ts";
import { openConnection, WebSocketConnection } from "../websocket/websocket-connection.ts";
import { WebSocketClosedError, WebSocketException } from "../websocket/socket-errors.ts";
import type { SocketTransport } from "../websocket/transport.ts";
import { upgradeKey } from "../websocket/upgrade.ts";
import type { CompiledRoute } from "./compiled-route.ts";
import { describeThrown } from "./describe-thrown.ts";
import { envOf, Exchange, exchangeKey, testHooks, type ExchangeContext } from "./exchange.ts";
import { fail, type HandleHost } from "./handle.ts";
import type { SocketConfig } from "./socket-definition.ts";
import { ValidationError } from "./validation-error.ts";

/**
 * The Hono handler of a WebSocket route. A request that is to be refused is answered like any other; one that is accepted
 * leaves with a response whose headers are those of the handshake, and its exchange goes on until the connection has closed.
 *
 * @param hasGet - whether a GET route of the same path answers requests for anything else
 */
export function createSocketHandler(
  route: CompiledRoute,
  host: HandleHost,
  hasGet: boolean,
): (context: ExchangeContext, next: Next) => Promise<Response | void> {
  const config = route.definition.socket!;
  return async (context, next) => {
    const upgrade = envOf(context)?.[upgradeKey];
    const isAsked = context.req.raw.headers.get("upgrade")?.toLowerCase() === "websocket";
    if (!isAsked && hasGet) return next();
    const exchange = new Exchange(context, host, route.plan.sources);
    if (host.hasMiddleware) context.set(exchangeKey, exchange);
    try {
      if (!isAsked || upgrade === undefined) throw upgradeRequired(isAsked);
      assertOrigin(context, config);
      const connection = new WebSocketConnection();
      exchange.memo.set(WebSocketConnection, connection);
      const { plan } = route;
      const solved = plan.solve(exchange);
      if (isThenable(solved)) await solved;
      if (exchange.problems) throw new ValidationError(exchange.problems);
      const values = plan.arguments(exchange);
      await exchange.storeJobs();
      exchange.hold();
      exchange.prepare();
      // Of the request's AsyncLocalStorage, which the event that opens the connection does not have.
      const inContext = AsyncLocalStorage.snapshot();
      const ended = Promise.withResolvers<void>();
      upgrade.accepted = {
        protocol: chooseProtocol(context, config),
        maxMessageBytes: config.maxMessageBytes,
        heartbeatMs: config.heartbeatMs,
        ended: ended.promise,
        opened: (transport) => {
          const listener = openConnection(connection, transport);
          const handle = (): Promise<void> => run(route, exchange, connection, transport, values, host, context);
          void inContext(handle).then(ended.resolve);
          return listener;
        },
        failed: () => {
          void abandon(exchange).then(ended.resolve);
        },
      };
      return exchange.seal(new Response(null));
    } catch (error) {
      return fail(exchange, error, context, host);
    }
  };
}

/** From the open connection to the start of the tasks. Never rejects. */
async function run(
  route: CompiledRoute,
  exchange: Exchange,
  connection: WebSocketConnection,
  transport: SocketTransport,
  values: Record<string, unknown>,
  host: HandleHost,
  context: ExchangeContext,
): Promise<void> {
  let isDone = false;
  void connection.closed.then(() => {
    if (!isDone) exchange.clientHasGone();
  });
  try {
    await route.handler(values);
    isDone = true;
    await closeFunctionScope(exchange);
    connection.close();
  } catch (thrown) {
    isDone = true;
    const { error } = exchange.opened ? await throwIntoGenerators(exchange, thrown) : { error: thrown };
    if (error instanceof WebSocketClosedError && !connection.isOpen) transport.terminate();
    else if (error instanceof WebSocketException) {
      exchange.fail(`its WebSocket was closed with ${error.code} ${error.reason}`.trimEnd());
      connection.close(error.code, error.reason);
    } else {
      exchange.fail(`the handler of its WebSocket failed: ${describeThrown(error)}`);
      connection.close(1011, "Internal error");
      const onUnhandled = envOf(context)?.[testHooks]?.onUnhandled;
      if (onUnhandled) onUnhandled(error);
      else
        host.background.logTo.error(`The WebSocket of ${route.label} was closed with 1011, because of`, {
          err: error,
          route: route.label,
          requestId: exchange.taskRequest.id,
        });
    }
  }
  await connection.closed;
  exchange.release();
}

/** The client went away before the handshake was done. */
async function abandon(exchange: Exchange): Promise<void> {
  exchange.fail("its client went away before the WebSocket was open");
  if (exchange.opened) await throwIntoGenerators(exchange, new WebSocketClosedError({ code: 1006, reason: "" }));
  exchange.clientHasGone();
  exchange.release();
}

/** RFC 9110, section 15.5.22. */
function upgradeRequired(isAsked: boolean): HTTPException {
  return isAsked
    ? new HTTPException(
        501,
        "This server cannot open WebSockets. app.listen() can, for routes that are defined before it is called.",
      )
    : new HTTPException(426, "This is a WebSocket: connect with ws:// or wss://.", {
        upgrade: "websocket",
        connection: "Upgrade",
      });
}

function assertOrigin({ req }: ExchangeContext, { origins }: SocketConfig): void {
  const origin = req.raw.headers.get("origin");
  if (origins === undefined || origin === null || origins.includes(origin)) return;
  let host: string | undefined;
  try {
    ({ host } = new URL(origin));
  } catch {
    // "null", of a page without an origin.
  }
  if (host === undefined || host !== new URL(req.url).host)
    throw new HTTPException(403, `Pages of ${origin.slice(0, 200)} may not connect.`);
}

/** The first of the server's list that the client offers. */
function chooseProtocol({ req }: ExchangeContext, { protocols }: SocketConfig): string {
  const offered = (req.raw.headers.get("sec-websocket-protocol") ?? "").split(",").map((word) => word.trim());
  return protocols.find((protocol) => offered.includes(protocol)) ?? "";
}
