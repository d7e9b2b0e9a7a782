import type { Redis } from "ioredis";
import type { ChangeListener } from "../../tasks/broker.ts";
import { createClient, cut } from "./clients.ts";
import type { Connection } from "./connection.ts";
import type { RedisConfig } from "./options.ts";
import { within } from "../pulled/within.ts";

/** So often it is asked whether the server is still there: a connection that is silent looks like one without news. */
const pingMs = 1_000;
const answerMs = 800;

/**
 * After one hint the next ones are collected for so long. Workers with free slots ask for jobs at each: under load, many of them
 * would keep the server busy with asking.
 */
const collectMs = 10;

/** Tells of changes that anybody has made, as the server publishes them. They are hints: whoever must know asks as well. */
export class Hints {
  readonly #config: RedisConfig;
  readonly #connection: Connection;
  #listeners: readonly ChangeListener[] = [];
  #client: Redis | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;
  /** What is told of when the time of collecting is over. */
  #news: { ids: string[]; isVague: boolean } | undefined;
  #collecting: NodeJS.Timeout | undefined;

  constructor(config: RedisConfig, connection: Connection) {
    this.#config = config;
    this.#connection = connection;
  }

  async open(): Promise<void> {
    this.#isOpen = true;
    if (this.#listeners.length > 0) await this.#start();
  }

  close(): void {
    this.#isOpen = false;
    clearInterval(this.#timer);
    clearTimeout(this.#collecting);
    this.#collecting = this.#news = undefined;
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    client.disconnect();
    cut(client);
  }

  subscribe(listener: ChangeListener): () => void {
    // Of its own, so that whoever listens twice may end one of the two.
    const own: ChangeListener = (ids) => listener(ids);
    this.#listeners = [...this.#listeners, own];
    if (this.#isOpen && this.#client === undefined) void this.#start();
    return () => {
      this.#listeners = this.#listeners.filter((known) => known !== own);
    };
  }

  async #start(): Promise<void> {
    const client = createClient(this.#connection.engine, this.#config, "afterword-hints");
    this.#client = client;
    const channel = `${this.#config.prefix}:$:changes`;
    client.on("message", (_channel: string, text: string) => this.#heard(text === "" ? undefined : text.split(",")));
    client.on("ready", () => {
      // What happened before that was not heard.
      client.subscribe(channel).then(
        () => this.#heard(undefined),
        () => {},
      );
    });
    this.#timer = setInterval(() => this.#ping(client), pingMs);
    this.#timer.unref();
    await client.connect().catch(() => {});
  }

  #ping(client: Redis): void {
    if (client.status !== "ready") return;
    within(client.ping(), answerMs, "it was silent").catch(() => {
      if (client.status === "ready" && this.#client === client) cut(client);
    });
  }

  #heard(ids: readonly string[] | undefined): void {
    if (this.#collecting === undefined) {
      this.#tell(ids);
      return;
    }
    this.#news ??= { ids: [], isVague: false };
    if (ids === undefined) this.#news.isVague = true;
    else this.#news.ids.push(...ids);
  }

  #tell(ids: readonly string[] | undefined): void {
    this.#collecting = setTimeout(() => {
      const news = this.#news;
      this.#collecting = this.#news = undefined;
      if (news !== undefined) this.#tell(news.isVague ? undefined : news.ids);
    }, collectMs);
    this.#collecting.unref();
    // An empty id stands for what has no id, such as a queue.
    const known = ids?.includes("") ? undefined : ids;
    for (const listener of this.#listeners) listener(known);
  }
}
