import type { ReplyAddress } from "../../celery/control.ts";
import type { ReceivedMessage, WireMessage } from "../../celery/message.ts";

/** How the nodes of Celery hear what is said to all of them, and answer. */
export interface Mailbox {
  readonly place: MailboxPlace;
  /** Makes a node known, again and again while it listens: what falls silent is forgotten by the others. */
  listen(nodename: string, listener: MailboxListener): void;
  /** Resolves when it is no longer known, or when that cannot be told to the server in time. */
  leave(nodename: string): Promise<void>;
  /** Asks all nodes, this one among them. */
  broadcast(request: WireMessage): Promise<void>;
  reply(address: ReplyAddress, reply: WireMessage): Promise<void>;
  publishEvents(routingKey: string, events: WireMessage): Promise<void>;
}

/** Whoever listens at a {@link Mailbox}. */
export interface MailboxListener {
  /** It hears from now on; again after each time that it did not for a while. */
  ready(): void;
  request(message: ReceivedMessage): void;
}

/** Where the server is, as Celery's statistics tell it: without a password. */
export interface MailboxPlace {
  readonly transport: string;
  readonly hostname: string;
  readonly port: number;
  readonly userid: string | null;
  readonly virtualHost: string;
  readonly isSecure: boolean;
}
