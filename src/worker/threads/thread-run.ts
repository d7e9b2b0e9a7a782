import { MessageChannel, receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { formatDuration } from "../../internal/duration.ts";
import type { Broker } from "../../tasks/broker.ts";
import type { Delivery } from "../../tasks/delivery.ts";
import type { DeliveredJob } from "../../tasks/job.ts";
import type { PiscinaLike } from "./load-piscina.ts";
import { toThreadError } from "./thread-error.ts";
import type { FromThread, ThreadOrder, ThreadOutcome, ToThread } from "./thread-messages.ts";

/** What running needs of its worker. */
export interface ThreadRunHost {
  readonly pool: PiscinaLike;
  readonly broker: Broker;
  readonly graceMs: number;
}

/** So long a module may take until it is imported, and the resources of its app are open. */
const importMs = 60_000;

/** So many threads may end before they begin with a job. More do not because they were idle, but because none can start. */
const maxLeft = 10;

/**
 * One attempt in a thread, as the event loop sees it: what the thread says is passed on, an abort is sent, and a function that goes on
 * after it is ended together with its thread.
 */
export class ThreadRun {
  /** Whether a thread has begun with it. */
  #isTaken = false;
  #leftCount = 0;
  readonly #host: ThreadRunHost;
  readonly #delivery: Delivery;
  readonly #module: string;
  readonly #onStarted: () => void;
  readonly #outcome = Promise.withResolvers<ThreadOutcome>();
  /** Aborting it terminates the thread. */
  readonly #termination = new AbortController();
  readonly #abortFlag = new Int32Array(new SharedArrayBuffer(4));
  #port: MessagePort | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  /** Why the thread is terminated, if not by an abort of the delivery. */
  #terminatedBy: AfterwordError | undefined = undefined;

  constructor(host: ThreadRunHost, delivery: Delivery, module: string, onStarted: () => void) {
    this.#host = host;
    this.#delivery = delivery;
    this.#module = module;
    this.#onStarted = onStarted;
  }

  /** What the thread says of the function; rejects if it ends without a word. */
  get outcome(): Promise<ThreadOutcome> {
    return this.#outcome.promise;
  }

  /** Gives the job to a thread. Resolves when the thread is free again, or gone. @returns whether the thread left without having begun */
  async start(): Promise<boolean> {
    const { signal } = this.#delivery;
    if (signal.aborted) {
      this.#outcome.reject(signal.reason);
      return false;
    }
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const onAbort = (): void => this.#abort(signal.reason as AfterwordError);
    let cause: unknown;
    try {
      const order = this.#createOrder(port2);
      const options = { name: "runJob", signal: this.#termination.signal, transferList: [port2] };
      port1.on("message", (message: FromThread) => this.#receive(message));
      signal.addEventListener("abort", onAbort, { once: true });
      await this.#host.pool.run(order, options);
      // Also reached when `null` was thrown and nobody caught it.
      cause = null;
    } catch (error) {
      cause = error;
    }
    signal.removeEventListener("abort", onAbort);
    this.#drain(port1);
    clearTimeout(this.#timer);
    port1.close();
    this.#port = undefined;
    const hasLeft = !this.#isTaken && !this.#termination.signal.aborted && ++this.#leftCount < maxLeft;
    if (!hasLeft) this.#outcome.reject(this.#toError(cause));
    return hasLeft;
  }

  #createOrder(port: MessagePort): ThreadOrder {
    const { name, supports, isDurable } = this.#host.broker;
    return {
      module: this.#module,
      job: toPlainJob(this.#delivery.job),
      broker: { name, supports, isDurable },
      port,
      abortFlag: this.#abortFlag,
    };
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case "taken":
        this.#isTaken = true;
        this.#timer ??= setTimeout(() => this.#terminate(this.#importTimeout()), importMs);
        break;
      case "started":
        // Not the timer of an abort, which ends the thread.
        if (!this.#delivery.abortReason) this.#clearTimer();
        this.#onStarted();
        break;
      case "progress":
        this.#delivery.progress(message.value, message.note);
        break;
      case "log":
        this.#delivery.log(message.line);
        break;
      case "ask":
        void this.#answer(message);
        break;
      case "ended":
        this.#outcome.resolve(message.outcome);
        if (message.isSpoiled) this.#terminate(undefined);
    }
  }

  async #answer({ id, verb, request }: FromThread & { kind: "ask" }): Promise<void> {
    try {
      const value = await this.#host.broker[verb](request as never);
      this.#post({ kind: "answer", id, value });
    } catch (error) {
      const { code = "not_stored", message } = error as AfterwordError;
      this.#post({ kind: "refusal", id, code, message });
    }
  }

  /** The thread may still be in it. */
  #abort({ code, message }: AfterwordError): void {
    this.#post({ kind: "abort", code, message });
    // After the message: who sees the flag finds it.
    Atomics.store(this.#abortFlag, 0, 1);
    this.#clearTimer();
    this.#timer = setTimeout(() => this.#terminate(undefined), this.#host.graceMs);
  }

  #terminate(because: AfterwordError | undefined): void {
    this.#terminatedBy = because;
    this.#termination.abort();
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** What the thread has said before it was free or gone, and nobody has read yet. */
  #drain(port: MessagePort): void {
    for (let entry = receiveMessageOnPort(port); entry !== undefined; entry = receiveMessageOnPort(port))
      this.#receive(entry.message as FromThread);
  }

  #post(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has no origin
    this.#port?.postMessage(message);
  }

  #toError(cause: unknown): AfterwordError {
    const { abortReason, job } = this.#delivery;
    return this.#terminatedBy ?? abortReason ?? toThreadError(cause, job.task);
  }

  #importTimeout(): AfterwordError {
    return new AfterwordError(
      "thread_import_failed",
      `The worker thread of task "${this.#delivery.job.task}" was not ready within ${formatDuration(importMs)}: importing ${this.#module}, or the lifespan of its app, does not come to its end.`,
    );
  }
}

/** What brokers hand out may have more about it than can be sent to a thread. */
function toPlainJob(job: DeliveredJob): DeliveredJob {
  const { id, task, queue, args, attempt, attempts, deliveries, backoff, timeoutMs, meta, epoch } = job;
  return { id, task, queue, args, attempt, attempts, deliveries, backoff, timeoutMs, meta, epoch };
}
