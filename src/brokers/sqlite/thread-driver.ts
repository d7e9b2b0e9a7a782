import { Worker as Thread } from "node:worker_threads";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { ownModule } from "../../internal/own-files.ts";
import { inRootContext } from "../../internal/root-context.ts";
import type { Driver } from "./driver.ts";
import type { Executed } from "./execute-batch.ts";
import type { SqliteConfig } from "./options.ts";
import { packOperations } from "./packed-operations.ts";
import { toError, type Failure } from "./sqlite-error.ts";
import type { ToMain, ToThread } from "./thread-messages.ts";
import type { Operation } from "./verbs.ts";

const threadFile = ownModule("brokers/sqlite/thread");

/** Carries out batches in a thread that has the connection, so that the event loop does not wait for the disk. */
export class ThreadDriver implements Driver {
  readonly #config: SqliteConfig;
  readonly #onForeignChange: () => void;
  #thread: Thread | undefined;
  #opening: PromiseWithResolvers<void> | undefined;
  #executing: { readonly count: number; readonly resolve: (executed: Executed) => void } | undefined;
  #closing: PromiseWithResolvers<void> | undefined;
  #isWatching = false;

  constructor(config: SqliteConfig, onForeignChange: () => void) {
    this.#config = config;
    this.#onForeignChange = onForeignChange;
  }

  async open(): Promise<void> {
    this.#opening = Promise.withResolvers();
    const thread = inRootContext(
      () => new Thread(threadFile, { workerData: this.#config, name: "afterword-sqlite", execArgv: [], stdin: false }),
    );
    this.#thread = thread;
    thread.on("message", (message: ToMain) => this.#receive(message));
    thread.on("error", (error) => this.#ended(thread, String(error)));
    thread.on("exit", () => this.#ended(thread, "it ended"));
    try {
      await this.#opening.promise;
    } catch (error) {
      this.#thread = undefined;
      await thread.terminate();
      throw error;
    }
    // Its work keeps the process alive, its waiting does not.
    thread.unref();
    if (this.#isWatching) this.#post({ kind: "watch", isOn: true });
  }

  execute(operations: readonly Operation[]): Promise<Executed> {
    return new Promise((resolve) => {
      this.#executing = { count: operations.length, resolve };
      const thread = this.#thread;
      if (thread === undefined) {
        // It ended without being asked to: a new one takes its place.
        this.open().then(
          () => this.#send(operations),
          (error: unknown) => this.#fail({ code: "not_stored", message: String((error as Error).message) }),
        );
      } else this.#send(operations);
    });
  }

  #send(operations: readonly Operation[]): void {
    this.#thread!.ref();
    this.#post({ kind: "execute", operations: packOperations(operations) });
  }

  watch(isOn: boolean): void {
    this.#isWatching = isOn;
    if (this.#thread && !this.#closing) this.#post({ kind: "watch", isOn });
  }

  async close(): Promise<void> {
    if (this.#thread === undefined) return;
    this.#closing = Promise.withResolvers();
    this.#thread.ref();
    this.#post({ kind: "close" });
    await this.#closing.promise;
    this.#closing = undefined;
  }

  #post(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#thread!.postMessage(message);
  }

  #receive(message: ToMain): void {
    switch (message.kind) {
      case "opened":
        if (message.failure) this.#opening!.reject(toError(message.failure));
        else this.#opening!.resolve();
        break;
      case "executed": {
        const { resolve } = this.#executing!;
        this.#executing = undefined;
        this.#thread!.unref();
        resolve(message);
        break;
      }
      case "changed":
        this.#onForeignChange();
        break;
      case "closed":
        break;
    }
  }

  #ended(thread: Thread, why: string): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    this.#closing?.resolve();
    this.#opening?.reject(
      new AfterwordError("broker_open_failed", `The thread that writes to ${this.#config.file} failed: ${why}.`),
    );
    this.#fail({ code: "maybe_stored", message: `The thread that writes to ${this.#config.file} failed: ${why}.` });
  }

  #fail(failure: Failure): void {
    const executing = this.#executing;
    this.#executing = undefined;
    executing?.resolve({ results: Array.from({ length: executing.count }, () => ({ failure })), changed: [] });
  }
}
