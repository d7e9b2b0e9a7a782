import cluster from "node:cluster";
import { formatDuration } from "../../internal/duration.ts";
import { CliError } from "../cli-error.ts";
import type { Ready, ServerSettings } from "../server/messages.ts";
import { serverProgram } from "../server/server-program.ts";
import {
  describeEnding,
  describeWaiting,
  SupervisedServer,
  type ServerEnding,
  type ServerListener,
} from "../server/supervised-server.ts";
import { restartDelayMs } from "./restart-delay.ts";

/** A process that has served for so long did not end because of how it starts. */
const settledMs = 10_000;

/** Processes that serve the same app on the same port. */
export class ServerFleet {
  readonly #settings: ServerSettings;
  readonly #servers = new Set<SupervisedServer>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  /** What the processes ask for: port 0 is the same one for all of them. */
  #port: number;
  /** What that port is. */
  #actualPort: number | undefined = undefined;
  #quickEnds = 0;
  #isClosing = false;

  constructor(settings: ServerSettings) {
    this.#settings = settings;
    this.#port = settings.port;
  }

  get pids(): readonly number[] {
    return Array.from(this.#servers, ({ pid }) => pid!);
  }

  /**
   * Starts all, and resolves when all are ready, with the URL.
   *
   * @throws {CliError} when one could not start. The others are closed then.
   */
  async start(): Promise<string> {
    const starts = Array.from({ length: this.#settings.processes }, async () => {
      const { promise, resolve } = Promise.withResolvers<Ready>();
      const server = this.#fork({ onReady: resolve });
      const result = await Promise.race([promise, server.ended]);
      if ("afterword" in result) return { server, url: result.url };
      throw new CliError(result.failure ?? `Process ${server.pid} ${describeEnding(result)} before it was ready.`);
    });
    try {
      const started = await Promise.all(starts);
      for (const { server } of started) this.#replaceWhenEnded(server, performance.now());
      return started[0]!.url;
    } catch (error) {
      await Promise.allSettled([this.close(), ...starts]);
      throw error;
    }
  }

  /** Closes all, each as on SIGTERM. @returns whether all have ended well */
  async close(): Promise<boolean> {
    this.#isClosing = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#restarts.clear();
    const endings = await Promise.all(Array.from(this.#servers, (server) => server.close()));
    return endings.every(({ code }) => code === 0);
  }

  kill(): void {
    for (const server of this.#servers) server.kill();
  }

  #fork(listener: ServerListener): SupervisedServer {
    // Node forgets what port 0 has found when no process uses it.
    if (this.#servers.size === 0 && this.#actualPort !== undefined) this.#port = this.#actualPort;
    const settings: ServerSettings = { ...this.#settings, port: this.#port };
    cluster.setupPrimary({ exec: serverProgram, args: [JSON.stringify(settings)] });
    const server = new SupervisedServer(cluster.fork().process, {
      onReady: (ready) => {
        this.#actualPort ??= ready.port;
        // The last of the others died after this one was told to ask for 0: the next one asks by number.
        if (ready.port !== this.#actualPort) return server.kill();
        listener.onReady?.(ready);
      },
      onWaits: (waits) => console.log(`Process ${server.pid}: ${describeWaiting(waits)}`),
    });
    this.#servers.add(server);
    void server.ended.then(() => this.#isClosing || this.#servers.delete(server));
    return server;
  }

  #replaceWhenEnded(server: SupervisedServer, startedMs: number): void {
    void server.ended.then((ending) => {
      if (this.#isClosing) return;
      const hasSettled = server.ready !== undefined && performance.now() - startedMs > settledMs;
      this.#quickEnds = hasSettled ? 0 : this.#quickEnds + 1;
      const delayMs = restartDelayMs(this.#quickEnds);
      console.error(describeLoss(server, ending, delayMs));
      const timer = setTimeout(() => {
        this.#restarts.delete(timer);
        const next = this.#fork({ onReady: () => console.log(`Process ${next.pid} serves in its place.`) });
        this.#replaceWhenEnded(next, performance.now());
      }, delayMs);
      this.#restarts.add(timer);
    });
  }
}

function describeLoss(server: SupervisedServer, ending: ServerEnding, delayMs: number): string {
  const what =
    ending.failure === undefined
      ? `Process ${server.pid} ${describeEnding(ending)}${server.ready === undefined ? " before it was ready" : ""}.`
      : `${ending.failure}\nProcess ${server.pid} could not start.`;
  return `${what} Another starts${delayMs < 1_000 ? "" : ` in ${formatDuration(delayMs)}`}.`;
}
