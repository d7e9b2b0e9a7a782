import type { Redis } from "ioredis";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { StoreError } from "../../tasks/store-error.ts";
import { connectMs, createClient, cut, gather, isReady, loadEngine, type Engine } from "./clients.ts";
import { warnOfPromise } from "./durability.ts";
import type { RedisConfig } from "./options.ts";
import { toStoreError, unsent } from "./redis-error.ts";
import { SilenceError, within } from "../pulled/within.ts";

/** So long the server may take to answer. */
const answerMs = 1_000;
/** So much more time large batches have: a server works on one thing at a time. */
const maxMoreMs = 20_000;
/** So long a request waits for a connection that is about to stand. */
const readyMs = 700;

/** What a script answers with. */
export type Reply = string | number | null | readonly Reply[];

interface ScriptedRedis extends Redis {
  afterword(prefix: string, verb: string, args: readonly (string | number)[]): Promise<Reply>;
}

/** The connection that asks: every request is one call of our script, and has an answer or an error in two seconds. */
export class Connection {
  readonly #config: RedisConfig;
  readonly #load: () => Promise<Engine>;
  #engine: Engine | undefined;
  #client: ScriptedRedis | undefined;

  /** @param load - what brings the client and the script; BullMQ's by default */
  constructor(config: RedisConfig, load: () => Promise<Engine> = loadEngine) {
    this.#config = config;
    this.#load = load;
  }

  get engine(): Engine {
    return this.#engine!;
  }

  /** @throws {AfterwordError} with code `broker_open_failed` or `missing_package` */
  async open(): Promise<void> {
    this.#engine = await this.#load();
    const client = createClient(this.#engine, this.#config, "afterword");
    client.defineCommand("afterword", { numberOfKeys: 1, lua: this.#engine.script });
    let firstError: unknown;
    client.on("error", (error) => (firstError ??= error));
    try {
      await within(client.connect(), connectMs, "it did not answer");
      await warnOfPromise(client, this.#config.address, answerMs);
    } catch (error) {
      client.disconnect();
      cut(client);
      const why = firstError ?? error;
      throw new AfterwordError(
        "broker_open_failed",
        `The Redis server ${this.#config.address} cannot be used: ${describe(why).replace(/\.$/, "")}. ${advise(why)}`,
        { cause: why },
      );
    }
    this.#client = client as ScriptedRedis;
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    // quit() would wait for a server that may be gone.
    client.disconnect();
    cut(client);
  }

  /** Calls the script. Rejects with a StoreError within two seconds, if it cannot be done. */
  async ask(verb: string, args: readonly (string | number)[] = []): Promise<Reply> {
    const client = this.#client;
    const { address, prefix } = this.#config;
    if (client === undefined) throw new StoreError("broker_closed", `The broker redis is not open.`);
    try {
      if (!isReady(client)) await untilReady(client);
      gather(client);
      return await this.#answered(
        client,
        client.afterword(prefix, verb, args),
        answerMs + Math.min(args.length / 100, maxMoreMs),
      );
    } catch (error) {
      throw toStoreError(error, address);
    }
  }

  async #answered(client: Redis, reply: Promise<Reply>, ms: number): Promise<Reply> {
    try {
      return await within(reply, ms, "it was silent");
    } catch (error) {
      // Connected but silent: only a new connection can tell whether it is still there.
      if (error instanceof SilenceError && client.status === "ready") cut(client);
      throw error;
    }
  }
}

function untilReady(client: Redis): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end(reject), readyMs);
    const onReady = (): void => end(resolve);
    client.once("ready", onReady);
    function end(settle: (error?: never) => void): void {
      clearTimeout(timer);
      client.off("ready", onReady);
      if (settle === reject) reject(new Error(unsent));
      else resolve();
    }
  });
}

/** An error about several addresses has a code and no message. */
function describe(error: unknown): string {
  return error instanceof Error ? error.message || String(codeOf(error) ?? error.name) : String(error);
}

/** A server that answers and hangs up in one go is mostly not heard: its answer is lost with the connection. */
function advise(error: unknown): string {
  return ["EPIPE", "ECONNRESET"].includes(String(codeOf(error)))
    ? "It hung up at once, as a server in protected mode does (give it a password, or set `protected-mode no`), and one that speaks TLS only (write rediss://)."
    : "Is it running, and is the URL right?";
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown }).code;
}
