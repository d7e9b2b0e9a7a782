import type { Ability, Broker, ConsumeOptions, Consumer } from "../../tasks/broker.ts";
import type { Execute } from "../../tasks/delivery.ts";
import { StoreError } from "../../tasks/store-error.ts";
import { PullLoop } from "./pull-loop.ts";
import type { Store } from "./store.ts";

/** What an embedded broker is made of. */
export interface EmbeddedBrokerParts {
  readonly name: string;
  readonly store: Store;
  readonly isDurable: boolean;
  readonly supports: Iterable<Ability>;
}

type Verb = Exclude<keyof Broker, "name" | "supports" | "isEmbedded" | "isDurable">;
type RequestOf<V extends Verb> = Parameters<Broker[V]>[0];
type AnswerOf<V extends Verb> = ReturnType<Broker[V]>;

/** A broker over a {@link Store}: the store keeps jobs, pull loops hand them out. */
export class EmbeddedBroker implements Broker {
  readonly name: string;
  readonly supports: ReadonlySet<Ability>;
  readonly isEmbedded = true;
  readonly isDurable: boolean;
  readonly #store: Store;
  #loops: readonly PullLoop[] = [];
  #isOpen = false;
  #isClosing = false;

  constructor({ name, store, isDurable, supports }: EmbeddedBrokerParts) {
    this.name = name;
    this.#store = store;
    this.isDurable = isDurable;
    this.supports = new Set(supports);
  }

  async open(): Promise<void> {
    await this.#store.open();
    this.#isOpen = true;
    this.#isClosing = false;
  }

  async close(): Promise<void> {
    if (!this.#isOpen || this.#isClosing) return;
    this.#isClosing = true;
    // Jobs that end within their grace may still store others.
    await Promise.all(this.#loops.map((loop) => loop.close()));
    this.#loops = [];
    this.#isOpen = false;
    await this.#store.close();
  }

  consume(options: ConsumeOptions, execute: Execute): Consumer {
    if (!this.#isOpen || this.#isClosing) throw this.#closed();
    const loop = new PullLoop(this.#store, options, execute);
    this.#loops = [...this.#loops.filter(({ isClosed }) => !isClosed), loop];
    return loop;
  }

  subscribe(listener: RequestOf<"subscribe">): () => void {
    return this.#store.subscribe(listener);
  }

  enqueue(request: RequestOf<"enqueue">): AnswerOf<"enqueue"> {
    return this.#isOpen ? this.#store.enqueue(request) : this.#refuse();
  }

  get(request: RequestOf<"get">): AnswerOf<"get"> {
    return this.#isOpen ? this.#store.get(request) : this.#refuse();
  }

  list(request: RequestOf<"list">): AnswerOf<"list"> {
    return this.#isOpen ? this.#store.list(request) : this.#refuse();
  }

  counts(): AnswerOf<"counts"> {
    return this.#isOpen ? this.#store.counts() : this.#refuse();
  }

  cancel(request: RequestOf<"cancel">): AnswerOf<"cancel"> {
    return this.#isOpen ? this.#store.cancel(request) : this.#refuse();
  }

  retry(request: RequestOf<"retry">): AnswerOf<"retry"> {
    return this.#isOpen ? this.#store.retry(request) : this.#refuse();
  }

  remove(request: RequestOf<"remove">): AnswerOf<"remove"> {
    return this.#isOpen ? this.#store.remove(request) : this.#refuse();
  }

  purge(request: RequestOf<"purge">): AnswerOf<"purge"> {
    return this.#isOpen ? this.#store.purge(request) : this.#refuse();
  }

  pause(request: RequestOf<"pause">): AnswerOf<"pause"> {
    return this.#isOpen ? this.#store.pause(request) : this.#refuse();
  }

  resume(request: RequestOf<"resume">): AnswerOf<"resume"> {
    return this.#isOpen ? this.#store.resume(request) : this.#refuse();
  }

  putSchedule(request: RequestOf<"putSchedule">): AnswerOf<"putSchedule"> {
    return this.#isOpen ? this.#store.putSchedule(request) : this.#refuse();
  }

  removeSchedule(request: RequestOf<"removeSchedule">): AnswerOf<"removeSchedule"> {
    return this.#isOpen ? this.#store.removeSchedule(request) : this.#refuse();
  }

  schedules(): AnswerOf<"schedules"> {
    return this.#isOpen ? this.#store.schedules() : this.#refuse();
  }

  pauseSchedule(request: RequestOf<"pauseSchedule">): AnswerOf<"pauseSchedule"> {
    return this.#isOpen ? this.#store.pauseSchedule(request) : this.#refuse();
  }

  tick(request: RequestOf<"tick">): AnswerOf<"tick"> {
    return this.#isOpen ? this.#store.tick(request) : this.#refuse();
  }

  workers(): AnswerOf<"workers"> {
    return this.#isOpen ? this.#store.workers() : this.#refuse();
  }

  #refuse(): Promise<never> {
    return Promise.reject(this.#closed());
  }

  #closed(): StoreError {
    return new StoreError(
      "broker_closed",
      `The broker ${this.name} is not open: it was not opened yet, or has been closed.`,
    );
  }
}
