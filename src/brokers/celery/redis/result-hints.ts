import type { Redis } from "ioredis";
import type { ChangeListener } from "../../../tasks/broker.ts";
import { Changes } from "../../pulled/changes.ts";
import { within } from "../../pulled/within.ts";
import { createClient, cut } from "../../redis/clients.ts";
import type { Connection } from "../../redis/connection.ts";
import type { RedisConfig } from "../../redis/options.ts";

/** So often it is asked whether the server is still there: a connection that is silent looks like one without news. */
const pingMs = 1_000;
const answerMs = 800;
const resultPrefix = "celery-task-meta-";

/** Hears of results, which Celery publishes as well as stores, and of what programs of ours do to jobs. */
export class ResultHints {
  readonly #config: RedisConfig;
  readonly #connection: Connection;
  readonly #changes = new Changes();
  #client: Redis | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(config: RedisConfig, connection: Connection) {
    this.#config = config;
    this.#connection = connection;
  }

  open(): void {
    const client = createClient(this.#connection.engine, this.#config, "afterword-hints");
    this.#client = client;
    client.on("message", (_channel: string, id: string) => this.#changes.add(id));
    client.on("pmessage", (_pattern, channel: string) => this.#changes.add(channel.slice(resultPrefix.length)));
    client.on("ready", () => {
      // What happened before that was not heard.
      Promise.all([client.subscribe("afterword-news"), client.psubscribe(`${resultPrefix}*`)]).then(
        () => this.#changes.addAll(),
        () => {},
      );
    });
    this.#timer = setInterval(() => this.#ping(client), pingMs);
    this.#timer.unref();
    void client.connect().catch(() => {});
  }

  close(): void {
    clearInterval(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    client?.disconnect();
    if (client !== undefined) cut(client);
  }

  subscribe(listener: ChangeListener): () => void {
    return this.#changes.subscribe(listener);
  }

  #ping(client: Redis): void {
    if (client.status !== "ready") return;
    within(client.ping(), answerMs, "it was silent").catch(() => {
      if (client.status === "ready" && this.#client === client) cut(client);
    });
  }
}
