import type { Channel, Options } from "amqplib";
import { controlExchange, controlQueue, controlReplyExchange, type ReplyAddress } from "../../../celery/control.ts";
import { eventExchange } from "../../../celery/event.ts";
import type { WireMessage } from "../../../celery/message.ts";
import { StoreError } from "../../../tasks/store-error.ts";
import type { AmqpCarrier } from "../../rabbitmq/amqp-carrier.ts";
import { Connection } from "../../rabbitmq/connection.ts";
import type { AmqpServer } from "../../rabbitmq/options.ts";
import type { Session } from "../../rabbitmq/session.ts";
import type { Mailbox, MailboxListener, MailboxPlace } from "../mailbox.ts";

const againMs = 500;
/** Requests wait so long, and their queue stands so long without its node (`control_queue_ttl`, `control_queue_expires`). */
const queueOptions: Options.AssertQueue = { durable: false, autoDelete: true, messageTtl: 300_000, expires: 10_000 };

/** Celery's remote control and events on RabbitMQ: a queue for each node, and exchanges for what all hear. */
export class AmqpMailbox implements Mailbox {
  readonly place: MailboxPlace;
  readonly #carrier: AmqpCarrier;
  /** Of its own: what is wrong with a request or a reply concerns no task. */
  readonly #connection: Connection;
  readonly #listeners = new Map<string, MailboxListener>();
  #session: Session | undefined;
  #listening: Channel | undefined;
  #speaking: Promise<Channel> | undefined;
  #end: (() => void) | undefined;

  constructor(server: AmqpServer, carrier: AmqpCarrier) {
    this.#carrier = carrier;
    this.#connection = new Connection(server);
    this.place = toPlace(server);
  }

  listen(nodename: string, listener: MailboxListener): void {
    this.#listeners.set(nodename, listener);
    if (this.#end === undefined) {
      this.#connection.start();
      this.#end = this.#connection.onSession((session) => void this.#begin(session));
    } else if (this.#listening !== undefined) {
      const channel = this.#listening;
      void this.#hear(channel, nodename, listener).catch(() => channel.close().catch(() => {}));
    }
  }

  async leave(nodename: string): Promise<void> {
    this.#listeners.delete(nodename);
    const channel = this.#listening;
    // Without a server there is nobody to tell; the queue goes by itself.
    if (channel !== undefined) await channel.deleteQueue(controlQueue(nodename)).catch(() => {});
    if (this.#listeners.size === 0) await this.close();
  }

  async close(): Promise<void> {
    this.#end?.();
    this.#end = undefined;
    this.#session = undefined;
    this.#listening = undefined;
    this.#speaking = undefined;
    await this.#connection.close();
  }

  async broadcast(request: WireMessage): Promise<void> {
    await this.#carrier.declare(controlExchange, declareControl);
    await this.#carrier.send([
      {
        exchange: controlExchange,
        routingKey: "",
        body: request.body,
        options: toOptions(request),
        isMandatory: false,
      },
    ]);
  }

  async reply({ exchange, routingKey }: ReplyAddress, reply: WireMessage): Promise<void> {
    if (exchange === controlReplyExchange) await this.#declare(controlReplyExchange, "direct", false);
    await this.#publish(exchange, routingKey, reply);
  }

  async publishEvents(routingKey: string, events: WireMessage): Promise<void> {
    // Events are of the moment: nobody hears them later.
    if (this.#listening === undefined) return;
    await this.#declare(eventExchange, "topic", true);
    await this.#publish(eventExchange, routingKey, events);
  }

  async #begin(session: Session): Promise<void> {
    this.#session = session;
    this.#listening = undefined;
    this.#speaking = undefined;
    try {
      const channel = await session.model.createChannel();
      channel.on("error", () => {});
      channel.on("close", () => this.#beginAgain(session));
      await session.declare(controlExchange, declareControl);
      const listeners = [...this.#listeners];
      this.#listening = channel;
      for (const [nodename, listener] of listeners) await this.#hear(channel, nodename, listener);
    } catch {
      this.#beginAgain(session);
    }
  }

  #beginAgain(session: Session): void {
    if (session !== this.#session) return;
    this.#listening = undefined;
    if (!session.isOver) setTimeout(() => session === this.#session && void this.#begin(session), againMs).unref();
  }

  async #hear(channel: Channel, nodename: string, listener: MailboxListener): Promise<void> {
    const queue = controlQueue(nodename);
    await channel.assertQueue(queue, queueOptions);
    await channel.bindQueue(queue, controlExchange, "");
    await channel.consume(
      queue,
      (message) => {
        if (message === null) return void channel.close().catch(() => {});
        const { properties, content, fields } = message;
        const { headers } = properties;
        listener.request({ headers, properties, body: content, isRedelivered: fields.redelivered });
      },
      { noAck: true },
    );
    if (this.#listeners.get(nodename) === listener) listener.ready();
  }

  async #declare(exchange: string, type: "direct" | "topic", durable: boolean): Promise<void> {
    const session = this.#session;
    await session?.declare(
      exchange,
      async (channel) => void (await channel.assertExchange(exchange, type, { durable })),
    );
  }

  /** On a channel of its own: the server closes it when somebody wants an answer where none can go. */
  async #publish(exchange: string, routingKey: string, message: WireMessage): Promise<void> {
    const session = this.#session;
    if (session === undefined || session.isOver)
      throw new StoreError("not_stored", "The RabbitMQ server cannot be reached, so nothing was said.");
    session.assertUnblocked();
    this.#speaking ??= this.#openSpeaking(session);
    const channel = await this.#speaking;
    channel.publish(exchange, routingKey, message.body, toOptions(message));
  }

  async #openSpeaking(session: Session): Promise<Channel> {
    try {
      const channel = await session.model.createChannel();
      channel.on("error", () => {});
      channel.on("close", () => (this.#speaking = undefined));
      return channel;
    } catch (error) {
      this.#speaking = undefined;
      throw error;
    }
  }
}

/** As Celery declares it (kombu/pidbox.py). */
async function declareControl(channel: Channel): Promise<void> {
  await channel.assertExchange(controlExchange, "fanout", { durable: false });
}

function toOptions({ headers, properties }: WireMessage): Options.Publish {
  return { ...properties, headers };
}

function toPlace({ url }: AmqpServer): MailboxPlace {
  const { protocol, hostname, port, username, pathname } = new URL(url);
  return {
    transport: "amqp",
    hostname,
    port: Number(port) || (protocol === "amqps:" ? 5671 : 5672),
    userid: username === "" ? null : decodeURIComponent(username),
    virtualHost: decodeURIComponent(pathname.slice(1)) || "/",
    isSecure: protocol === "amqps:",
  };
}
