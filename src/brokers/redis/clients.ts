import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import type { Redis, RedisOptions as ConnectionOptions } from "ioredis";
import { AfterwordError } from "../../internal/afterword-error.ts";
import type { RedisConfig } from "./options.ts";
import { buildScript, bullScriptNames, type BullScripts } from "./scripts/index.ts";

/** So long a connection may take to stand. */
export const connectMs = 1_000;

/** What is loaded of the packages that users install. */
export interface Engine {
  readonly Redis: typeof Redis;
  readonly script: string;
}

/** BullMQ's scripts are no part of what it exports; bundlers and test runners leave a require alone. */
const require = createRequire(import.meta.url);

let loading: Promise<Engine> | undefined;

/** Loads ioredis and BullMQ's scripts, once. @throws {AfterwordError} with code `missing_package` */
export function loadEngine(): Promise<Engine> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<Engine> {
  try {
    const { Redis } = await import("ioredis");
    const scripts: Record<string, string> = {};
    for (const name of bullScriptNames) {
      const module = require(`bullmq/dist/cjs/scripts/${name}.js`) as Record<string, { content: string }>;
      const short = name.slice(0, name.indexOf("-"));
      scripts[short] = module[short]!.content;
    }
    const { version } = require("bullmq/package.json") as { version: string };
    return { Redis, script: buildScript(scripts satisfies BullScripts, version) };
  } catch (error) {
    throw new AfterwordError(
      "missing_package",
      "redis() needs the packages bullmq 6 and ioredis 6. Install them: npm install bullmq@6 ioredis@6",
      { cause: error },
    );
  }
}

/** A connection that never keeps anybody waiting: what cannot be sent now is refused now. Not connected yet. */
export function createClient({ Redis }: Engine, { url, connection }: RedisConfig, name: string): Redis {
  const options: ConnectionOptions = {
    ...connection,
    lazyConnect: true,
    connectionName: name,
    connectTimeout: connectMs,
    // The traps of queue.add() when the server is down: waiting for ready, an offline queue, endless retries.
    enableOfflineQueue: false,
    // What was under way when a connection is lost is rejected then; with 1 it would be dropped in silence.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: (times: number) => Math.min(20 * times, 500) * (0.75 + Math.random() / 2),
  };
  // Its overloads for a URL ask for more than it needs.
  const Client = Redis as unknown as new (...given: readonly unknown[]) => Redis;
  const client = url === undefined ? new Client(options) : new Client(url, options);
  // Without a listener ioredis prints; whoever asks for something is told what is wrong.
  client.on("error", (error: RefusedCommand) => {
    // ioredis would go on, and keep the jobs in database 0, where nobody looks for them.
    if (error.command?.name === "select") cut(client);
  });
  // Every request that finds it not ready listens for a moment, and Node would call more than ten of them a leak.
  client.setMaxListeners(0);
  client.on("connect", () => {
    // Whoever waits for an answer has a timer; a connection without one keeps no process alive.
    (client as WithStream).stream?.unref?.();
    const timer = setTimeout(() => client.status === "connect" && cut(client), connectMs);
    timer.unref();
    client.once("ready", () => clearTimeout(timer));
    client.once("close", () => clearTimeout(timer));
  });
  return client;
}

interface RefusedCommand extends Error {
  readonly command?: { readonly name: string };
}

interface WithStream {
  readonly stream?: Pick<Writable, "writable" | "writableCorked" | "destroy" | "cork" | "uncork"> & { unref?(): void };
}

/** Ends the socket now. disconnect() waits for the other side, which may be silent for good. */
export function cut(client: Redis): void {
  (client as WithStream).stream?.destroy();
}

/** Whether something can be written. The status alone says so for a moment after the socket has ended. */
export function isReady(client: Redis): boolean {
  return client.status === "ready" && (client as WithStream).stream?.writable === true;
}

/** What is asked in this turn of the event loop goes out in one write: ioredis makes one for each command. */
export function gather(client: Redis): void {
  const { stream } = client as WithStream;
  if (stream === undefined || stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}
