import type { Server } from "node:http";
import type { Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { CloseReport } from "../background/close-report.ts";
import { AfterwordError } from "../internal/afterword-error.ts";
import type { App } from "./app.ts";
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
  close(): Promise<CloseReport>;
}

/** So often a closing server looks for connections that have become idle. */
const idleCheckMs = 50;

/** How many servers an app has: the last that closes ends its tasks and its lifespan. */
const serverCounts = new WeakMap<App, number>();

/** Opens the app and serves it. */
export async function serve(app: App, options: ListenOptions): Promise<RunningServer> {
  const { port = 8_000, host = "127.0.0.1", signals = true } = options;
  const wasOpen = app.isOpen;
  await app.open();
  // Node itself discards the rest of a body that nobody read; doing it again costs 5 µs a request.
  const server = createAdaptorServer({ fetch: app.fetch, autoCleanupIncoming: false }) as Server;
  const sockets = trackSockets(server);
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
  const close = (): Promise<CloseReport> => (closing ??= closeServer(server, sockets, app).finally(removeSignals));
  const removeSignals = signals ? closeOnSignals(close) : () => {};
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

function trackSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
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

async function closeServer(server: Server, sockets: ReadonlySet<Socket>, app: App): Promise<CloseReport> {
  const startedMs = performance.now();
  const deadlineMs = startedMs + app.background.config.drainTimeoutMs;
  const endedBefore = app.background.endedCount;
  if (serverCounts.get(app) === 1) app.announceClose();
  const connectionsCut = await closeConnections(server, sockets, deadlineMs);
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
async function closeConnections(server: Server, sockets: ReadonlySet<Socket>, deadlineMs: number): Promise<number> {
  const closed = new Promise<"closed">((resolve) => server.close(() => resolve("closed")));
  // A connection that was busy becomes idle when its response has ended, and would be kept alive.
  server.prependListener("request", (_, response) => response.setHeader("connection", "close"));
  // Node does not count those as idle on which no request has come yet.
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  const idleCheck = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">(
    (resolve) => (timer = setTimeout(resolve, Math.max(0, deadlineMs - performance.now()), "late")),
  );
  const result = await Promise.race([closed, late]);
  clearTimeout(timer);
  clearInterval(idleCheck);
  if (result === "closed") return 0;
  const count = sockets.size;
  server.closeAllConnections();
  await closed;
  return count;
}
