import { fork } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { formatDuration } from "../../internal/duration.ts";
import { exitCodes } from "../cli-error.ts";
import { shortPath } from "../code-frame.ts";
import type { Ready, ServerSettings } from "../server/messages.ts";
import { serverProgram } from "../server/server-program.ts";
import { StopSignals } from "../server/stop-signals.ts";
import {
  describeEnding,
  describeWaiting,
  SupervisedServer,
  type ServerEnding,
  type ServerListener,
} from "../server/supervised-server.ts";
import { SourceWatch } from "./source-watch.ts";

/** What a development server serves, and where. */
export interface DevOptions {
  readonly file: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Serves an app in a process that gives way to a new one when a file has changed, until it is told to stop.
 *
 * @returns the exit code
 */
export async function runDevServer(options: DevOptions): Promise<number> {
  let server: SupervisedServer | undefined;
  const stop = new StopSignals(() => server?.kill());
  const watch = new SourceWatch();
  // What port 0 has found is kept, as an open page would not find the next one.
  let { port } = options;
  while (true) {
    watch.start(basePaths(options.file));
    const startedMs = performance.now();
    server = startServer(
      { ...options, port },
      {
        onLoaded: ({ path, fingerprint }) => watch.add(path, fingerprint),
        onReady(ready) {
          port = ready.port;
          console.log(`${describeReady(ready)}  (started in ${formatDuration(performance.now() - startedMs)})`);
        },
        onWaits: (waits) =>
          console.log(`${describeWaiting(waits)} (Ctrl+C ${stop.isAsked ? "" : "twice "}ends it at once)`),
      },
    );
    const ending = await Promise.race([server.ended, watch.changed, stop.asked]);
    if (isEnding(ending) && !stop.isAsked) {
      reportEnding(ending);
      await Promise.race([watch.changed, stop.asked]);
    }
    if (!stop.isAsked) console.log(describeChange(await watch.changed));
    watch.close();
    // The next one starts when this one is gone: no task runs twice at the same time, and the port is free.
    const last = await server.close();
    if (stop.isAsked) return last.code === 0 || isEnding(ending) ? exitCodes.ok : exitCodes.failed;
  }
}

function basePaths(file: string): readonly string[] {
  const path = resolve(file);
  return [path, join(dirname(path), ".env"), resolve(".env")];
}

function startServer(options: DevOptions, listener: ServerListener): SupervisedServer {
  const settings: ServerSettings = { ...options, proxyHeaders: false, processes: 1, tellsFiles: true };
  return new SupervisedServer(fork(serverProgram, [JSON.stringify(settings)]), listener);
}

function isEnding(event: ServerEnding | readonly string[] | void): event is ServerEnding {
  return typeof event === "object" && "signal" in event;
}

function reportEnding(ending: ServerEnding): void {
  console.error(ending.failure ?? `The server ${describeEnding(ending)}.`);
  console.log("Waiting for a change…");
}

function describeReady({ url, docsPath }: Ready): string {
  return `Serving at ${url}${docsPath === undefined ? "" : `  ·  docs at ${url}${docsPath}`}`;
}

function describeChange([first, ...others]: readonly string[]): string {
  const more = others.length === 0 ? "" : ` and ${others.length} other ${others.length === 1 ? "file" : "files"}`;
  return `${shortPath(first!)}${more} ${more === "" ? "has" : "have"} changed.`;
}
