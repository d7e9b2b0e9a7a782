import { AfterwordError } from "../../internal/afterword-error.ts";
import { StoreError } from "../../tasks/store-error.ts";
import { describe } from "./amqp-error.ts";
import { loadAmqp } from "./load-amqp.ts";
import type { AmqpServer } from "./options.ts";
import { Session } from "./session.ts";

/** So long a request waits for a connection that is about to stand. */
const readyMs = 700;
const firstWaitMs = 50;
const maxWaitMs = 1_500;

/** Who is told when a connection stands, to begin anew on it. Must not throw. */
export type SessionListener = (session: Session) => void;

/** Keeps a session standing: when one is lost, the next is opened, for as long as it takes. */
export class Connection {
  readonly #server: AmqpServer;
  readonly #listeners = new Set<SessionListener>();
  #session: Session | undefined;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #waitMs = firstWaitMs;
  #isOpen = false;

  constructor(server: AmqpServer) {
    this.#server = server;
  }

  /** @throws {AfterwordError} with code `broker_open_failed` or `missing_package` */
  async open(): Promise<void> {
    await loadAmqp(this.#server.caller);
    this.#isOpen = true;
    try {
      await this.#connect();
    } catch (error) {
      this.#isOpen = false;
      throw new AfterwordError(
        "broker_open_failed",
        `The RabbitMQ server ${this.#server.address} cannot be used: ${toReason(error)}. Is it running, and are the URL, its user and its virtual host right?`,
        { cause: error },
      );
    }
  }

  /** Opens it, sooner or later, unless it is open. */
  start(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    void this.#try();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    const session = this.#session;
    this.#session = undefined;
    for (const resume of this.#waiting.splice(0)) resume();
    await session?.close();
  }

  /** Tells of the session that stands, and of each that follows. @returns ends it */
  onSession(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    if (this.#session !== undefined) listener(this.#session);
    return () => this.#listeners.delete(listener);
  }

  /** The session that stands, or will in a moment. @throws {StoreError} with code `not_stored` or `broker_closed` */
  async session(): Promise<Session> {
    if (this.#session === undefined && this.#isOpen) await this.#soon();
    if (this.#session !== undefined) return this.#session;
    if (!this.#isOpen) throw new StoreError("broker_closed", `The broker of ${this.#server.caller} is not open.`);
    throw new StoreError(
      "not_stored",
      `The RabbitMQ server ${this.#server.address} cannot be reached, so nothing was asked of it.`,
    );
  }

  #soon(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, readyMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #connect(): Promise<void> {
    const amqp = await loadAmqp(this.#server.caller);
    const session = await Session.open(amqp, this.#server, () => {
      if (this.#session !== session) return;
      this.#session = undefined;
      this.#again();
    });
    if (!this.#isOpen) return void session.close();
    // It may have been lost while it was being opened.
    if (session.isOver) throw new Error("the connection was closed at once");
    this.#session = session;
    this.#waitMs = firstWaitMs;
    for (const resume of this.#waiting.splice(0)) resume();
    for (const listener of [...this.#listeners]) listener(session);
  }

  #again(): void {
    if (!this.#isOpen) return;
    this.#timer = setTimeout(() => void this.#try(), this.#waitMs * (0.75 + Math.random() / 2));
    this.#timer.unref();
  }

  async #try(): Promise<void> {
    try {
      await this.#connect();
    } catch {
      this.#waitMs = Math.min(maxWaitMs, this.#waitMs * 2);
      this.#again();
    }
  }
}

/** amqplib does not pass on what the server says of a virtual host that it does not open. */
function toReason(error: unknown): string {
  const reason = describe(error);
  return reason.includes("ConnectionOpenOk") ? "its virtual host does not exist, or the user may not use it" : reason;
}
