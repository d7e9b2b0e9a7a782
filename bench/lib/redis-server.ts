import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { atExit } from "./at-exit.ts";
import { outputOf } from "./machine.ts";
import { BenchError } from "./question.ts";
import { findFreePort } from "./server-process.ts";

const startMs = 10_000;

/** Its version; `undefined` if it is not installed. */
export function redisVersion(): string | undefined {
  return outputOf("redis-server", ["--version"])?.match(/v=(\S+)/)?.[1];
}

/** A Redis server of its own, in a folder that is deleted at the end. What it has stored is on the disk within a second. */
export class RedisServer implements AsyncDisposable {
  readonly client: Redis;
  readonly #port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #isGone: () => void;
  readonly #used = new Set<number>();

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await findFreePort());
    try {
      await server.#answers();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  private constructor(port: number) {
    this.#port = port;
    this.#folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "afterword-bench-"));
    const settings = {
      bind: "127.0.0.1",
      port: String(port),
      dir: this.#folder,
      appendonly: "yes",
      appendfsync: "everysec",
      save: "",
      // A rewrite in the middle of a sample would take a core from it.
      "auto-aof-rewrite-percentage": "0",
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    this.#child = spawn("redis-server", args, { stdio: "ignore" });
    this.#child.on("error", () => {});
    this.#isGone = atExit(() => this.#clean());
    this.client = new Redis(this.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
    this.client.on("error", () => {});
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Calls `fn` with the URL of an empty database, and empties it. */
  async withDatabase<T>(fn: (url: string) => Promise<T>): Promise<T> {
    let number = 0;
    while (this.#used.has(number)) number++;
    this.#used.add(number);
    try {
      return await fn(`${this.url}/${number}`);
    } finally {
      await this.client.pipeline([["select", number], ["flushdb"]]).exec();
      this.#used.delete(number);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.disconnect();
    if (this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    this.#clean();
    this.#isGone();
  }

  #clean(): void {
    this.#child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #answers(): Promise<void> {
    const answer = await Promise.race([this.client.ping(), sleep(startMs, undefined, { ref: false })]);
    if (answer !== "PONG") throw new BenchError(`redis-server did not answer within ${startMs / 1_000} s.`);
  }
}
