import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { controlExchange, controlQueue, type ReplyAddress } from "../../../celery/control.ts";
import { eventExchange } from "../../../celery/event.ts";
import type { WireMessage } from "../../../celery/message.ts";
import { decodeEnvelope, encodeEnvelope, type ReadEnvelope } from "../../../celery/redis-envelope.ts";
import { bindingKey, bindingMember, fanoutChannel } from "../../../celery/redis-keys.ts";
import { within } from "../../pulled/within.ts";
import { createClient, cut, isReady } from "../../redis/clients.ts";
import type { Connection } from "../../redis/connection.ts";
import type { RedisConfig } from "../../redis/options.ts";
import type { Mailbox, MailboxListener, MailboxPlace } from "../mailbox.ts";

/** So often it is asked whether the server is still there: a connection that is silent looks like one without news. */
const pingMs = 1_000;
const answerMs = 800;
/** So long after its last word a node counts as gone, and so often it says one. */
const leaseMs = 60_000;
const joinMs = 20_000;
/** Nobody waits that long for replies. */
const replySeconds = 300;

/** Celery's remote control and events on Redis: channels for what all hear, lists for replies. */
export class RedisMailbox implements Mailbox {
  readonly place: MailboxPlace;
  readonly #config: RedisConfig;
  readonly #connection: Connection;
  readonly #database: number;
  readonly #channel: string;
  readonly #listeners = new Map<string, MailboxListener>();
  /** While somebody listens. */
  #client: Redis | undefined;
  #isHearing = false;
  #timer: NodeJS.Timeout | undefined;
  #joinedAtMs = -Infinity;

  constructor(config: RedisConfig, connection: Connection) {
    this.#config = config;
    this.#connection = connection;
    this.place = toPlace(config);
    this.#database = Number(this.place.virtualHost);
    this.#channel = fanoutChannel(this.#database, controlExchange);
  }

  listen(nodename: string, listener: MailboxListener): void {
    this.#listeners.set(nodename, listener);
    if (this.#client === undefined) this.#open();
    else if (this.#isHearing) {
      listener.ready();
      this.#join();
    }
  }

  async leave(nodename: string): Promise<void> {
    this.#listeners.delete(nodename);
    const wasHearing = this.#isHearing;
    if (this.#listeners.size === 0) this.close();
    // Without a server there is nobody to tell; the others notice.
    if (wasHearing)
      await this.#connection.ask("part", [bindingKey(controlExchange), toMember(nodename)]).catch(() => {});
  }

  close(): void {
    clearInterval(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    this.#isHearing = false;
    if (client === undefined) return;
    client.disconnect();
    cut(client);
  }

  async broadcast(request: WireMessage): Promise<void> {
    await this.#publish(this.#channel, toText(request, controlExchange, ""));
  }

  async reply({ exchange, routingKey }: ReplyAddress, reply: WireMessage): Promise<void> {
    const start = bindingMember(routingKey, "");
    await this.#connection.ask("reply", [
      bindingKey(exchange),
      start,
      replySeconds,
      toText(reply, exchange, routingKey),
    ]);
  }

  async publishEvents(routingKey: string, events: WireMessage): Promise<void> {
    // Events are of the moment: nobody hears them later.
    if (!this.#isHearing) return;
    const channel = fanoutChannel(this.#database, eventExchange, routingKey);
    await this.#publish(channel, toText(events, eventExchange, routingKey));
  }

  async #publish(channel: string, text: string): Promise<void> {
    await this.#connection.ask("publish", [channel, text]);
  }

  #open(): void {
    const client = createClient(this.#connection.engine, this.#config, "afterword-control");
    this.#client = client;
    client.on("message", (_channel: string, text: string) => this.#hear(text));
    client.on("ready", () => {
      client.subscribe(this.#channel).then(
        () => this.#client === client && this.#begin(),
        () => {},
      );
    });
    client.on("close", () => {
      if (this.#client === client) this.#isHearing = false;
    });
    this.#joinedAtMs = -Infinity;
    this.#timer = setInterval(() => this.#tick(client), pingMs);
    this.#timer.unref();
    void client.connect().catch(() => {});
  }

  #begin(): void {
    this.#isHearing = true;
    this.#join();
    for (const listener of [...this.#listeners.values()]) listener.ready();
  }

  #join(): void {
    const members = Array.from(this.#listeners.keys(), toMember);
    const askedAtMs = performance.now();
    this.#connection.ask("join", [bindingKey(controlExchange), leaseMs, ...members]).then(
      () => (this.#joinedAtMs = askedAtMs),
      // The next tick tries again.
      () => (this.#joinedAtMs = -Infinity),
    );
  }

  #tick(client: Redis): void {
    if (!isReady(client)) return;
    within(client.ping(), answerMs, "it was silent").catch(() => {
      if (client.status === "ready" && this.#client === client) cut(client);
    });
    if (this.#isHearing && performance.now() - this.#joinedAtMs > joinMs) this.#join();
  }

  #hear(text: string): void {
    let message: ReadEnvelope;
    try {
      message = decodeEnvelope(text);
    } catch {
      // Whoever sends that waits for no answer that could be given.
      return;
    }
    for (const listener of [...this.#listeners.values()]) listener.request(message);
  }
}

function toMember(nodename: string): string {
  return bindingMember("", controlQueue(nodename));
}

function toText(message: WireMessage, exchange: string, routingKey: string): string {
  return encodeEnvelope({ ...message, exchange, routingKey, deliveryTag: randomUUID() });
}

function toPlace({ url, connection }: RedisConfig): MailboxPlace {
  const { protocol, hostname, port, username, pathname, searchParams } = new URL(url ?? "redis://127.0.0.1");
  return {
    transport: "redis",
    hostname: url === undefined ? (connection.host ?? "127.0.0.1") : hostname || "127.0.0.1",
    port: Number(port) || (connection.port ?? 6379),
    userid: username === "" ? null : decodeURIComponent(username),
    virtualHost: pathname.replace(/^\//, "") || (searchParams.get("db") ?? `${connection.db ?? 0}`),
    isSecure: protocol === "rediss:",
  };
}
