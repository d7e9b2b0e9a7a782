import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { AfterwordError } from "../../internal/afterword-error.ts";
import type { Broker } from "../../tasks/broker.ts";
import { Delivery, type DeliveryReports } from "../../tasks/delivery.ts";
import { StoreError } from "../../tasks/store-error.ts";
import type { Ask } from "./parent-broker.ts";
import type { AskedVerb, FromThread, ThreadOrder, ToThread } from "./thread-messages.ts";

/** What a job in a thread says and hears, while it runs. */
export class JobLine implements DeliveryReports {
  readonly delivery: Delivery;
  readonly #port: MessagePort;
  readonly #abortFlag: Int32Array;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #lastAsked = 0;
  #isClosed = false;

  constructor({ job, port, abortFlag }: ThreadOrder) {
    this.#port = port;
    this.#abortFlag = abortFlag;
    this.delivery = new ThreadDelivery(job, this);
    port.on("message", (message: ToThread) => this.#receive(message));
  }

  say(message: FromThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
    if (!this.#isClosed) this.#port.postMessage(message);
  }

  progress(_: Delivery, value: number, note: string | undefined): void {
    this.say({ kind: "progress", value, note });
  }

  log(_: Delivery, line: string): void {
    this.say({ kind: "log", line });
  }

  readonly ask: Ask = ((verb: AskedVerb, request: unknown): Promise<unknown> => {
    if (this.#isClosed)
      return Promise.reject(
        new StoreError("not_stored", "The job that called this has ended, and its worker thread with it may be gone."),
      );
    const id = ++this.#lastAsked;
    const answer = Promise.withResolvers<unknown>();
    this.#asked.set(id, answer);
    this.say({ kind: "ask", id, verb, request });
    return answer.promise;
  }) as <K extends AskedVerb>(verb: K, request: Parameters<Broker[K]>[0]) => ReturnType<Broker[K]>;

  /** Whether an abort was sent: also while the event loop of the thread stands still. */
  hearAbort(): void {
    if (this.#isClosed || Atomics.load(this.#abortFlag, 0) === 0) return;
    for (let entry = receiveMessageOnPort(this.#port); entry; entry = receiveMessageOnPort(this.#port))
      this.#receive(entry.message as ToThread);
  }

  close(): void {
    this.#isClosed = true;
    this.#port.close();
    for (const { reject } of this.#asked.values())
      reject(new StoreError("maybe_stored", "The job ended before its worker was heard."));
    this.#asked.clear();
  }

  #receive(message: ToThread): void {
    if (message.kind === "abort") return this.delivery.abort(new AfterwordError(message.code, message.message));
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (message.kind === "answer") asked?.resolve(message.value);
    else asked?.reject(toStoreError(message.code, message.message));
  }
}

const storeCodes: readonly string[] = ["not_stored", "maybe_stored", "queue_full", "broker_closed"];

function toStoreError(code: string, message: string): AfterwordError {
  return storeCodes.includes(code)
    ? new StoreError(code as StoreError["code"], message)
    : new AfterwordError(code, message);
}

/** Its signal knows of an abort at once, when it is asked: a function that computes has no turns of the event loop to hear of it. */
class ThreadDelivery extends Delivery {
  readonly #line: JobLine;
  #signal: AbortSignal | undefined = undefined;

  constructor(job: Delivery["job"], line: JobLine) {
    super(job, line);
    this.#line = line;
  }

  override get signal(): AbortSignal {
    return (this.#signal ??= withHearing(super.signal, () => this.#line.hearAbort()));
  }
}

function withHearing(signal: AbortSignal, hear: () => void): AbortSignal {
  const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")!;
  return Object.defineProperties(signal, {
    aborted: {
      get(): boolean {
        hear();
        return aborted.get!.call(signal) as boolean;
      },
    },
    throwIfAborted: {
      value() {
        hear();
        AbortSignal.prototype.throwIfAborted.call(signal);
      },
    },
  });
}
