import type { Client, Pool } from "pg";
import { hangUp } from "./hang-up.ts";

/** So often a silent connection is asked whether it is still there, and so long it may take to say so. */
const checkMs = 2_000;
const answerMs = 2_000;
const firstRetryMs = 100;
const maxRetryMs = 3_000;

/** A connection that hears notifications, made anew when it breaks. */
export class Listener {
  readonly #pool: Pool;
  readonly #channel: string;
  readonly #onNews: (payload: string | undefined) => void;
  #client: Client | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #retryMs = firstRetryMs;
  #isOn = false;

  /** @param onNews - called with each notification, and with `undefined` when some may have been missed */
  constructor(pool: Pool, channel: string, onNews: (payload: string | undefined) => void) {
    this.#pool = pool;
    this.#channel = channel;
    this.#onNews = onNews;
  }

  start(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    void this.#connect();
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    if (client) await end(client);
  }

  async #connect(): Promise<void> {
    const { Client: NewClient } = await import("pg");
    if (!this.#isOn) return;
    const client = new NewClient({ ...this.#pool.options, connectionTimeoutMillis: answerMs, query_timeout: answerMs });
    this.#client = client;
    client.on("error", () => this.#lost(client));
    client.on("end", () => this.#lost(client));
    client.on("notification", ({ payload }) => {
      if (this.#client === client) this.#onNews(payload ?? "");
    });
    try {
      await client.connect();
      await client.query(`LISTEN "${this.#channel}"`);
    } catch {
      return this.#lost(client);
    }
    if (this.#client !== client) return end(client);
    this.#retryMs = firstRetryMs;
    this.#onNews(undefined);
    this.#check(client);
  }

  #check(client: Client): void {
    this.#timer = setTimeout(() => {
      client.query("SELECT 1").then(
        () => {
          if (this.#client === client) this.#check(client);
        },
        () => this.#lost(client),
      );
    }, checkMs);
    this.#timer.unref();
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    clearTimeout(this.#timer);
    hangUp(client);
    if (!this.#isOn) return;
    this.#timer = setTimeout(() => void this.#connect(), this.#retryMs * (0.75 + Math.random() / 2));
    this.#timer.unref();
    this.#retryMs = Math.min(maxRetryMs, this.#retryMs * 2);
  }
}

/** Says goodbye, but waits for no answer for long. */
async function end(client: Client): Promise<void> {
  const timer = setTimeout(() => hangUp(client), 300);
  await client.end().catch(() => {});
  clearTimeout(timer);
}
