import type { Ability, Broker, ConsumeOptions, Consumer } from "../../tasks/broker.ts";
import type { Execute } from "../../tasks/delivery.ts";
import { StoreError } from "../../tasks/store-error.ts";
import { PullLoop } from "./pull-loop.ts";
import type { Store } from "./store.ts";

/** What a broker whose jobs are pulled is made of. */
export interface PulledBrokerParts {
  /** Whether apps run its jobs themselves by default. @defaultValue true */
  readonly isEmbedded?: boolean;
  readonly name: string;
  /** Imports the store's code and makes it: when the broker is first opened, so that nobody loads what is not used. */
  readonly load: () => Promise<Store>;
  readonly isDurable: boolean;
  readonly supports: Iterable<Ability>;
}

type Verb = Exclude<keyof Broker, "name" | "supports" | "isEmbedded" | "isDurable">;
type RequestOf<V extends Verb> = Parameters<Broker[V]>[0];
type AnswerOf<V extends Verb> = ReturnType<Broker[V]>;

/** A broker over a {@link Store}: the store keeps jobs, pull loops hand them out. */
export class PulledBroker implements Broker {
  readonly name: string;
  readonly supports: ReadonlySet<Ability>;
  readonly isEmbedded: boolean;
  readonly isDurable: boolean;
  readonly #load: () => Promise<Store>;
  #loading: Promise<Store> | undefined;
  /** While the broker is open. */
  #store: Store | undefined;
  #loops: readonly PullLoop[] = [];
  #isClosing = false;

  constructor({ name, load, isDurable, supports, isEmbedded = true }: PulledBrokerParts) {
    this.name = name;
    this.isEmbedded = isEmbedded;
    this.#load = load;
    this.isDurable = isDurable;
    this.supports = new Set(supports);
  }

  /** Whether another broker can keep the state of its jobs here. */
  get canKeepResults(): boolean {
    return this.supports.has("results") && this.supports.has("list");
  }

  /** A store like that of this broker, on a connection of its own, for a broker that keeps the state of its jobs in it. */
  loadStore(): Promise<Store> {
    return this.#load();
  }

  async open(): Promise<void> {
    const store = await (this.#loading ??= this.#load());
    await store.open();
    this.#store = store;
    this.#isClosing = false;
  }

  async close(): Promise<void> {
    const store = this.#store;
    if (store === undefined || this.#isClosing) return;
    this.#isClosing = true;
    // Jobs that end within their grace may still store others.
    await Promise.all(this.#loops.map((loop) => loop.close()));
    this.#loops = [];
    this.#store = undefined;
    await store.close();
  }

  consume(options: ConsumeOptions, execute: Execute): Consumer {
    if (this.#store === undefined || this.#isClosing) throw this.#closed();
    const loop = new PullLoop(this.name, this.#store, options, execute);
    this.#loops = [...this.#loops.filter(({ isClosed }) => !isClosed), loop];
    return loop;
  }

  subscribe(listener: RequestOf<"subscribe">): () => void {
    if (this.#store === undefined) throw this.#closed();
    return this.#store.subscribe(listener);
  }

  enqueue(request: RequestOf<"enqueue">): AnswerOf<"enqueue"> {
    return this.#store?.enqueue(request) ?? this.#refuse();
  }

  get(request: RequestOf<"get">): AnswerOf<"get"> {
    return this.#store?.get(request) ?? this.#refuse();
  }

  list(request: RequestOf<"list">): AnswerOf<"list"> {
    return this.#store?.list(request) ?? this.#refuse();
  }

  counts(): AnswerOf<"counts"> {
    return this.#store?.counts() ?? this.#refuse();
  }

  cancel(request: RequestOf<"cancel">): AnswerOf<"cancel"> {
    return this.#store?.cancel(request) ?? this.#refuse();
  }

  retry(request: RequestOf<"retry">): AnswerOf<"retry"> {
    return this.#store?.retry(request) ?? this.#refuse();
  }

  remove(request: RequestOf<"remove">): AnswerOf<"remove"> {
    return this.#store?.remove(request) ?? this.#refuse();
  }

  purge(request: RequestOf<"purge">): AnswerOf<"purge"> {
    return this.#store?.purge(request) ?? this.#refuse();
  }

  pause(request: RequestOf<"pause">): AnswerOf<"pause"> {
    return this.#store?.pause(request) ?? this.#refuse();
  }

  resume(request: RequestOf<"resume">): AnswerOf<"resume"> {
    return this.#store?.resume(request) ?? this.#refuse();
  }

  putSchedule(request: RequestOf<"putSchedule">): AnswerOf<"putSchedule"> {
    return this.#store?.putSchedule(request) ?? this.#refuse();
  }

  removeSchedule(request: RequestOf<"removeSchedule">): AnswerOf<"removeSchedule"> {
    return this.#store?.removeSchedule(request) ?? this.#refuse();
  }

  schedules(): AnswerOf<"schedules"> {
    return this.#store?.schedules() ?? this.#refuse();
  }

  pauseSchedule(request: RequestOf<"pauseSchedule">): AnswerOf<"pauseSchedule"> {
    return this.#store?.pauseSchedule(request) ?? this.#refuse();
  }

  tick(request: RequestOf<"tick">): AnswerOf<"tick"> {
    return this.#store?.tick(request) ?? this.#refuse();
  }

  workers(): AnswerOf<"workers"> {
    return this.#store?.workers() ?? this.#refuse();
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
