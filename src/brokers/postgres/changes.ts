import type { Pool } from "pg";
import type { ChangeListener } from "../../tasks/broker.ts";
import { Listener } from "./listener.ts";
import type { Tables } from "./options.ts";

/** Others are told at least so far apart: each notification takes a lock of the whole server. */
const pauseMs = 5;
/** What fits into the 8,000 bytes of a notification. Beyond it nothing is said but that something has changed. */
const maxIds = 200;

/** Tells the listeners of this process what has changed, and other processes. A hint: it may be lost. */
export class Changes {
  readonly #channel: string;
  readonly #pool: Pool;
  readonly #listener: Listener;
  /** Tells our own notifications from those of others. */
  readonly #token: string = Math.random().toString(36).slice(2, 10);
  readonly #listeners: ChangeListener[] = [];
  #news: Set<string> | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #lastMs = -Infinity;
  #isOpen = false;

  /** @param onNews - called before listeners are told of what others have changed */
  constructor(tables: Tables, pool: Pool, onNews: () => void) {
    this.#channel = `${tables.own}_changes`;
    this.#pool = pool;
    this.#listener = new Listener(pool, this.#channel, (payload) => {
      if (payload === undefined) return this.#heard(undefined);
      const [token, ids] = payload.split(":");
      if (token === this.#token) return;
      onNews();
      this.#heard(ids === "" || ids === undefined ? undefined : ids.split(","));
    });
  }

  get channel(): string {
    return this.#channel;
  }

  open(): void {
    this.#isOpen = true;
    if (this.#listeners.length > 0) this.#listener.start();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    if (this.#timer !== undefined) await this.#send();
    await this.#listener.stop();
  }

  subscribe(listener: ChangeListener): () => void {
    if (this.#listeners.push(listener) === 1 && this.#isOpen) this.#listener.start();
    return () => {
      const index = this.#listeners.indexOf(listener);
      if (index < 0) return;
      this.#listeners.splice(index, 1);
      if (this.#listeners.length === 0) void this.#listener.stop();
    };
  }

  #heard(ids: readonly string[] | undefined): void {
    for (const listener of [...this.#listeners]) listener(ids);
  }

  /** These jobs were changed here. */
  tell(ids: readonly string[]): void {
    this.#heard(ids);
    this.#news ??= new Set();
    if (this.#news.size <= maxIds) for (const id of ids) this.#news.add(id);
    this.#timer ??= setTimeout(() => void this.#send(), Math.max(0, this.#lastMs + pauseMs - performance.now()));
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    this.#lastMs = performance.now();
    const ids = [...(this.#news ?? [])];
    this.#news = undefined;
    const payload = `${this.#token}:${ids.length > maxIds ? "" : ids.join(",")}`;
    await this.#pool.query("SELECT pg_notify($1, $2)", [this.#channel, payload]).catch(() => {});
  }
}
