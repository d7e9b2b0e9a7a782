import { decodeTaskMessage } from "../../../celery/decode-message.ts";
import type { TaskMessage } from "../../../celery/message.ts";
import type { IncomingMessage, Settlement } from "../../carried/carrier.ts";
import type { Interrupted } from "../../carried/interrupted.ts";
import { refuse } from "../conclusion.ts";
import type { Results } from "../results.ts";
import { toCountedCopy, toDeadLetter } from "./task-publication.ts";

/** A message that nobody here can run, and why. */
export interface Unreadable {
  readonly arrival: IncomingMessage;
  readonly error: Error;
}

/** A message, and what it says. */
export interface Opened {
  readonly arrival: IncomingMessage;
  readonly message: TaskMessage;
}

/** Reads the messages of Celery's queues, and tells those that can be run from the others. */
export class Arrivals {
  readonly #results: Results;
  readonly #interrupted: Interrupted;

  /** @param interrupted - what this process had in hand when it lost its connection: nobody has died with that */
  constructor(results: Results, interrupted: Interrupted) {
    this.#results = results;
    this.#interrupted = interrupted;
  }

  /** What of the messages can be read and run; and what becomes of the others. */
  open(arrivals: readonly IncomingMessage[]): {
    readonly opened: readonly Opened[];
    readonly settlements: Settlement[];
    readonly unreadable: readonly Unreadable[];
  } {
    const opened: Opened[] = [];
    const settlements: Settlement[] = [];
    const unreadable: Unreadable[] = [];
    for (const arrival of arrivals) {
      const message = this.#read(arrival);
      if (message instanceof Error) {
        unreadable.push({ arrival, error: message });
        settlements.push({ message: arrival, send: [toDeadLetter(arrival, message.message)] });
      } else if (this.#results.hasEnded(message)) {
        settlements.push({ message: arrival, send: [] });
      } else if (this.#mustCount(message)) {
        settlements.push({ message: arrival, send: [toCountedCopy(arrival, message)] });
      } else opened.push({ arrival, message });
    }
    return { opened, settlements, unreadable };
  }

  /** Whether somebody had it, who has died, and nobody has counted that yet: not if this process has only lost its connection. */
  #mustCount({ id, isRedelivered }: TaskMessage): boolean {
    if (this.#results.countsDeliveries || !isRedelivered) return false;
    const isInterrupted = this.#interrupted.count(id) > 0;
    this.#interrupted.forget(id);
    return !isInterrupted;
  }

  /** Tells whoever waits for their ids, before they are put to the dead letters. */
  async refuse(unreadable: readonly Unreadable[]): Promise<void> {
    await Promise.all(
      unreadable.map(({ arrival: { content }, error }) =>
        this.#results.refuse(content, refuse({ content }, error, Date.now()).results),
      ),
    );
  }

  /** What a message says, or why it cannot be run by anybody here. */
  #read({ content }: IncomingMessage): TaskMessage | Error {
    try {
      const message = decodeTaskMessage(content);
      const { noChords } = this.#results;
      if (message.chord === undefined || noChords === undefined) return message;
      return new Error(`Task ${message.id} is a part of a chord, but ${noChords}.`);
    } catch (error) {
      return error as Error;
    }
  }
}
