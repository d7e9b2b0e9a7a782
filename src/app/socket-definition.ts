import type { Dependency, Params, ValuesOf } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../internal/duration.ts";
import { formatValue } from "../internal/format-value.ts";
import { assertPathSyntax, checkDependencies, type RouteDefinition } from "./route-definition.ts";

/** What stands between the path and the parameters of a WebSocket route. */
export interface SocketOptions {
  /** Solved before the parameters, for their effect. Those of the app and of the routers come first. */
  readonly dependencies?: readonly Dependency<unknown>[];
  /** The subprotocols that are spoken, the preferred one first: the first that the client offers is agreed on. @defaultValue none */
  readonly protocols?: readonly string[];
  /**
   * From pages of which origins browsers may connect, such as `"https://app.example.com"`; those of the server's own host
   * may always. Others are refused with 403. Browsers send cookies with the handshake from any page, so a route that relies
   * on cookies needs this. Clients that send no `Origin` are no browsers, and are not refused.
   *
   * @defaultValue any
   */
  readonly origins?: readonly string[];
  /** The most bytes of one message; a longer one closes the connection with 1009. @defaultValue 1_048_576 (1 MiB) */
  readonly maxMessageBytes?: number;
  /**
   * How often the client is asked for a sign of life. One that has not given any by the next time is taken for gone, and the
   * connection is cut (1006). `false` for never.
   *
   * @defaultValue `"30s"`
   */
  readonly heartbeat?: Duration | false;
}

/** {@link SocketOptions} as they are used. */
export interface SocketConfig {
  readonly protocols: readonly string[];
  readonly origins: readonly string[] | undefined;
  readonly maxMessageBytes: number;
  readonly heartbeatMs: number | undefined;
}

/**
 * Defines a WebSocket route: `(path, params, handler)` or `(path, options, params, handler)`.
 *
 * Its declarations are solved before the connection is opened: what is invalid, or throws an `HTTPException`, is answered
 * as any request is, and there is no connection. Then the handler runs; when it returns, the connection is closed with 1000,
 * when it throws, with 1011. Background tasks run when the connection has closed and the handler has ended; named tasks that
 * the handler adds are stored at once.
 *
 * Throws a `DeclarationError` for whatever cannot work, such as a body: the request has none.
 *
 * @example
 * ```ts
 * import { App, query, WebSocketConnection } from "afterword";
 *
 * new App().websocket("/echo", { name: query(), socket: WebSocketConnection }, async ({ name, socket }) => {
 *   for await (const message of socket) await socket.send(`${name ?? "you"}: ${String(message)}`);
 * });
 * ```
 */
export interface DefineSocket<Self> {
  <const P extends Params>(path: string, params: P, handler: (values: ValuesOf<P>) => unknown): Self;
  <const P extends Params>(
    path: string,
    options: SocketOptions,
    params: P,
    handler: (values: ValuesOf<P>) => unknown,
  ): Self;
}

/** What stands in the place of a method. */
export const socketMethod = "WEBSOCKET";

const optionNames: ReadonlySet<string> = new Set<keyof SocketOptions>([
  "dependencies",
  "protocols",
  "origins",
  "maxMessageBytes",
  "heartbeat",
]);

/** @throws {DeclarationError} when the arguments are not those of {@link DefineSocket} */
export function toSocketDefinition(args: readonly unknown[]): RouteDefinition {
  const [path, ...rest] = args;
  const handler = rest.pop();
  const params = rest.pop();
  const options = rest.pop() ?? {};
  const label = `${socketMethod} ${typeof path === "string" ? path : formatValue(path)}`;
  if (typeof path !== "string" || !path.startsWith("/"))
    throw new DeclarationError(`A route's path must be a string that starts with "/", but got ${formatValue(path)}.`);
  assertPathSyntax(label, path);
  if (typeof handler !== "function" || rest.length > 0 || !isRecord(params) || !isRecord(options))
    throw new DeclarationError(
      `${label}: a WebSocket route is defined by (path, params, handler) or (path, options, params, handler), but got (${args.map((arg) => formatValue(arg, 40)).join(", ")}).`,
    );
  const { dependencies, socket } = checkOptions(label, options);
  return {
    method: socketMethod,
    path,
    options: { ...(dependencies && { dependencies }), includeInSchema: false },
    params: params as Params,
    handler: handler as (values: never) => unknown,
    socket,
  };
}

function checkOptions(
  label: string,
  options: Record<string, unknown>,
): { readonly dependencies: readonly Dependency<unknown>[] | undefined; readonly socket: SocketConfig } {
  const unknown = Object.keys(options).find((name) => !optionNames.has(name));
  if (unknown !== undefined)
    throw new DeclarationError(
      `${label}: a WebSocket route has no option ${JSON.stringify(unknown)}. It has ${[...optionNames].join(", ")}.`,
    );
  const {
    dependencies,
    protocols = [],
    origins,
    maxMessageBytes = 1_048_576,
    heartbeat = "30s",
  } = options as SocketOptions;
  checkDependencies(label, dependencies);
  // RFC 9110, section 5.6.2.
  if (!isListOf(protocols, /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/))
    throw new DeclarationError(
      `${label}: protocols must be a list of words such as ["chat.v1"], but got ${formatValue(protocols)}.`,
    );
  if (origins !== undefined && !isListOf(origins, /^[a-z][a-z\d+.-]*:\/\/[^/]+$/))
    throw new DeclarationError(
      `${label}: origins must be a list such as ["https://app.example.com"], without paths, but got ${formatValue(origins)}.`,
    );
  if (!(maxMessageBytes > 0))
    throw new DeclarationError(
      `${label}: maxMessageBytes must be a number of bytes above 0, but got ${formatValue(maxMessageBytes)}.`,
    );
  const heartbeatMs = heartbeat === false ? undefined : parseDuration(heartbeat, `${label}: heartbeat`);
  return { dependencies, socket: { protocols, origins, maxMessageBytes, heartbeatMs } };
}

function isListOf(value: unknown, pattern: RegExp): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && pattern.test(item));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
