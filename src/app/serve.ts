import type { Server } from "node:http";
import type { Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { CloseReport } from "../background/close-report.ts";
import { assertNotInTaskThread } from "../background/task-thread.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import { parseDuration, type Duration } from "../internal/duration.ts";
import type { App } from "./app.ts";
import { believeProxy } from "./proxy-headers.ts";
import { serveSockets, type ServedSockets } from "./serve-sockets.ts";
import { closeOnSignals } from "./signals.ts";

/** Where an app listens. */
export interface ListenOptions {
  /** 0 takes a free one. @defaultValue 8000 */
  readonly port?: number;
  /** @defaultValue `"127.0.0.1"`: this machine only. `"0.0.0.0"` is all of its addresses. */
  readonly host?: string;
  /**
   * Whether SIGTERM and SIGINT close the server and end the process: exit code 0 if nothing was lost, 1 otherwise. A
   * second signal ends it at once.
   *
   * @defaultValue true
   */
  readonly signals?: boolean;
  /**
   * Whether the headers `X-Forwarded-Proto` and `X-Forwarded-Host` are believed, which say under which address a proxy was
   * asked: the request's `url` is that address then. Only for a server that nobody reaches but by a proxy which sets them,
   * since any client can send them.
   *
   * @defaultValue false
   */
  readonly proxyHeaders?: boolean;
}

/** How a server closes. */
export interface CloseOptions {
  /**
   * How long responses that have not ended, streams for instance, and WebSockets may still take; then their connections are cut.
   *
   * @defaultValue the app's `background.drainTimeout`
   */
  readonly responsesTimeout?: Duration;
}

/** A server that runs. */
export interface RunningServer extends AsyncDisposable {
  /** `http://127.0.0.1:8000` */
  readonly url: string;
  readonly port: number;
  /**
   * Stops accepting, lets responses end, drains the background tasks, ends the lifespan (the last two only when no other
   * server serves the same app). All of it within
   * `background.drainTimeout` and two seconds of grace; what was not done by then is in the report. Calls after the first
   * give the same report.
   */
  close(options?: CloseOptions): Promise<CloseReport>;
}

/** So often a closing server looks for connections that have become idle. */
const idleCheckMs = 50;

/** How many servers an app has: the last that closes ends its tasks and its lifespan. */
const serverCounts = new WeakMap<App, number>();

/** Opens the app and serves it. */
export async function serve(app: App, options: ListenOptions): Promise<RunningServer> {
  const { port = 8_000, host = "127.0.0.1", signals = true, proxyHeaders = false } = options;
  assertNotInTaskThread("app.listen()");
  const wasOpen = app.isOpen;
  await app.open();
  // Node itself discards the rest of a body that nobody read; doing it again costs 5 µs a request.
  const server = createAdaptorServer({ fetch: app.fetch, autoCleanupIncoming: false }) as Server;
  if (proxyHeaders) believeProxy(server);
  const connections = trackConnections(server);
  const sockets = app.hasWebSockets ? serveSockets(server, app.fetch, app.background.logTo) : undefined;
  try {
    await listening(server, port, host);
  } catch (error) {
    if (!wasOpen) await app.close();
    throw error;
  }
  serverCounts.set(app, (serverCounts.get(app) ?? 0) + 1);
  const address = server.address();
  const actualPort = typeof address === "object" && address ? address.port : port;
  let closing: Promise<CloseReport> | undefined;
  const close = (options?: CloseOptions): Promise<CloseReport> =>
    (closing ??= closeServer(server, connections, sockets, app, options).finally(removeSignals));
  const removeSignals = signals ? closeOnSignals(close, app.background.logTo) : () => {};
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actualPort}`,
    port: actualPort,
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE")
        reject(
          new AfterwordError(
            "address_in_use",
            `Port ${port} of ${host} is taken by another program. Stop it, or listen on another port: app.listen({ port: ${port + 1} }).`,
            { cause: error },
          ),
        );
      else
        reject(
          new AfterwordError("cannot_listen", `Cannot listen on ${host}, port ${port}: ${error.message}.`, {
            cause: error,
          }),
        );
    });
    server.listen(port, host, resolve);
  });
}

function trackConnections(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  server.on("connection", (connection: Socket) => {
    connections.add(connection);
    connection.once("close", () => connections.delete(connection));
  });
  return connections;
}

/** Of an app that other servers still serve: its tasks go on. */
const nothingEnded: CloseReport = {
  ok: true,
  finished: 0,
  lost: [],
  released: 0,
  connectionsCut: 0,
  errors: [],
  durationMs: 0,
};

async function closeServer(
  server: Server,
  connections: ReadonlySet<Socket>,
  sockets: ServedSockets | undefined,
  app: App,
  { responsesTimeout }: CloseOptions = {},
): Promise<CloseReport> {
  const startedMs = performance.now();
  const deadlineMs = startedMs + app.background.config.drainTimeoutMs;
  const endedBefore = app.background.endedCount;
  if (serverCounts.get(app) === 1) app.announceClose();
  const responsesMs = responsesTimeout === undefined ? Infinity : parseDuration(responsesTimeout, "responsesTimeout");
  const cutMs = Math.min(deadlineMs, startedMs + responsesMs);
  const connectionsCut = await closeConnections(server, connections, sockets, cutMs);
  const endedWhileAnswering = app.background.endedCount - endedBefore;
  const serversLeft = serverCounts.get(app)! - 1;
  serverCounts.set(app, serversLeft);
  const report = serversLeft === 0 ? await app.close(deadlineMs) : nothingEnded;
  return {
    ...report,
    ok: report.ok && connectionsCut === 0,
    connectionsCut,
    finished: endedWhileAnswering + report.finished,
    durationMs: performance.now() - startedMs,
  };
}

/** Stops accepting and waits for the responses; at the deadline cuts those that are left, and returns their number. */
async function closeConnections(
  server: Server,
  connections: ReadonlySet<Socket>,
  sockets: ServedSockets | undefined,
  deadlineMs: number,
): Promise<number> {
  const served = new Promise<void>((resolve) => server.close(() => resolve()));
  const closed = Promise.all([served, sockets?.close()]).then(() => "closed" as const);
  // A connection that was busy becomes idle when its response has ended, and would be kept alive.
  server.prependListener("request", (_, response) => response.setHeader("connection", "close"));
  // Node does not count those as idle on which no request has come yet.
  for (const connection of connections) if (connection.bytesRead === 0) connection.destroy();
  const idleCheck = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">(
    (resolve) => (timer = setTimeout(resolve, Math.max(0, deadlineMs - performance.now()), "late")),
  );
  const result = await Promise.race([closed, late]);
  clearTimeout(timer);
  clearInterval(idleCheck);
  if (result === "closed") return 0;
  const count = connections.size;
  sockets?.terminate();
  server.closeAllConnections();
  for (const connection of connections) connection.destroy();
  await served;
  return count;
}
