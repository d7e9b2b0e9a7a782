import type { ReceivedMessage, WireMessage } from "../../celery/message.ts";
import type { AfterwordError } from "../../internal/afterword-error.ts";
import type { WorkerInfo } from "../../tasks/broker.ts";

/** Every carrier can hold a message back for so long: what is to wait longer is sent again on its way. */
export const maxDelayMs: number = 20 * 86_400_000;

/** Where in its queue a message goes. */
export type Place =
  /** Behind the others of its priority. */
  | "back"
  /** Before the others of its priority: a job that was given back has its old place. */
  | "front"
  /** With those that nobody runs any more: the dead letters of the queue. */
  | "dead";

/** A message that is to be sent. */
export interface OutgoingMessage {
  readonly queue: string;
  readonly place: Place;
  /** 0 to 9; higher comes first. */
  readonly priority: number;
  /** How long it stays away before it comes into the queue: up to {@link maxDelayMs}. */
  readonly delayMs: number;
  readonly content: WireMessage;
}

/** A message that has come. It is its inlet's until it is settled, or the connection is lost. */
export interface IncomingMessage {
  readonly queue: string;
  readonly priority: number;
  /** How often it was handed out before without being settled, where the server counts that; else whether it was. */
  readonly handouts: number | boolean;
  readonly content: ReceivedMessage;
}

/** What becomes of a message: what follows from it is sent, and when the server has that, it forgets the message. */
export interface Settlement {
  readonly message: IncomingMessage;
  readonly send: readonly OutgoingMessage[];
}

/** What a worker receives through. */
export interface Inlet {
  /** Up to so many of the messages that have come, by priority, then by age. */
  take(count: number): readonly IncomingMessage[];
  /** From now on messages of these queues come, and of no others. */
  serve(queues: readonly string[]): void;
  /** Whether a message that was taken is still this inlet's: the server gives it to nobody else. */
  owns(message: IncomingMessage): boolean;
  /** @returns for each, whether the message was still this inlet's; nothing is sent of the others */
  settle(settlements: readonly Settlement[]): Promise<readonly boolean[]>;
  /** Messages that were taken and could not be used for now: they are taken again. */
  putBack(messages: readonly IncomingMessage[]): void;
  /** Gives a message back as one whose worker died: the server hands it out once more, and counts that. */
  giveUp(message: IncomingMessage): void;
  /** Gives back, at their old places, messages that were not taken; nothing comes any more. Never rejects. */
  close(): Promise<void>;
}

/** Who is told of an inlet. */
export interface InletListener {
  /** There are messages to take. */
  arrived(): void;
  /** The connection was lost, and with it every message that was taken, and these, which were waiting to be. */
  lost(waiting: readonly IncomingMessage[]): void;
  /** Nothing can be received for now. Told once for each reason. */
  failed(error: AfterwordError): void;
}

/** A server that carries messages. Everything rejects with a `StoreError` within two seconds when it is away. */
export interface Carrier {
  /** Rejects with an `AfterwordError` that says what is wrong and how to mend it. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** Whether it takes messages, after a moment if the connection does not stand. @throws {StoreError} with code `not_stored` if not */
  ready(): Promise<void>;
  /** Resolves when the server has them for good. In order within a queue, a place and a priority. */
  publish(messages: readonly OutgoingMessage[]): Promise<void>;
  /**
   * A worker begins to receive: at most as many messages at a time as it has slots. While the server is away, none.
   */
  receive(worker: WorkerInfo, listener: InletListener): Inlet;
}
