import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BroadcastChannel } from "node:worker_threads";
import { AfterwordError } from "../../internal/afterword-error.ts";
import { ownModule } from "../../internal/own-files.ts";
import { inRootContext } from "../../internal/root-context.ts";
import type { Broker } from "../../tasks/broker.ts";
import type { Delivery } from "../../tasks/delivery.ts";
import { definitionOf, type TaskDefinition } from "../../tasks/task-definition.ts";
import type { AnyTask } from "../../tasks/task.ts";
import type { ThreadRunner } from "../endings.ts";
import { loadPiscina, type PiscinaClass, type PiscinaLike } from "./load-piscina.ts";
import type { ThreadOutcome, ThreadSettings } from "./thread-messages.ts";
import type { ThreadConfig } from "./thread-options.ts";
import { ThreadRun } from "./thread-run.ts";
import { FreeThreads } from "./free-threads.ts";

const threadFile = ownModule("worker/threads/thread");

/** The threads of a worker. Nothing of them is loaded before a task asks for one. */
export class Threads implements ThreadRunner {
  readonly #config: ThreadConfig;
  readonly #broker: Broker;
  readonly #onError: (error: unknown) => void;
  /** On which threads are told to end. */
  readonly #channel: string = `afterword-${randomUUID()}`;
  readonly #free: FreeThreads;
  #loading: Promise<PiscinaClass> | undefined = undefined;
  #pool: PiscinaLike | undefined = undefined;
  #isClosed = false;

  /** @param onError - told of threads that fail while they run no job */
  constructor(config: ThreadConfig, broker: Broker, onError: (error: unknown) => void) {
    this.#config = config;
    this.#broker = broker;
    this.#onError = onError;
    this.#free = new FreeThreads(config.max);
  }

  /**
   * Finds out, before a job comes, what would be wrong for all of them.
   *
   * @throws {AfterwordError} with code `missing_package`, or `thread_import_failed` when a module is not there
   */
  async prepare(tasks: readonly AnyTask[]): Promise<void> {
    const definitions = tasks.map(definitionOf).filter(({ config }) => config.thread !== undefined);
    for (const { name, config } of definitions) assertModuleExists(name, config.thread!);
    if (definitions.length > 0) await this.#load();
  }

  async run(delivery: Delivery, definition: TaskDefinition, started: () => void): Promise<ThreadOutcome> {
    const module = definition.config.thread!;
    const Piscina = await this.#load();
    await this.#free.take(delivery.signal);
    const host = { pool: this.#open(Piscina), broker: this.#broker, graceMs: this.#config.graceMs };
    const run = new ThreadRun(host, delivery, module, started);
    // The thread is free when the function has ended, which may be later than the outcome.
    void this.#untilFree(run).finally(() => this.#free.putBack());
    return run.outcome;
  }

  /** A thread that has just ended, because it was idle, may still be given a job; it has not begun with it, and another takes it. */
  async #untilFree(run: ThreadRun): Promise<void> {
    while (await run.start());
  }

  /** Lets functions that were aborted end, for as long as grace is; terminates the rest. Threads close what they have opened. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const pool = this.#pool;
    this.#pool = undefined;
    if (pool === undefined) return;
    const exits = pool.threads.map((thread) => new Promise<void>((resolve) => thread.once("exit", resolve)));
    const channel = new BroadcastChannel(this.#channel);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has no origin
    channel.postMessage("close");
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#config.graceMs)));
    await Promise.race([Promise.all(exits), late]);
    clearTimeout(timer);
    channel.close();
    await pool.destroy();
  }

  #load(): Promise<PiscinaClass> {
    return (this.#loading ??= loadPiscina().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    }));
  }

  #open(Piscina: PiscinaClass): PiscinaLike {
    if (this.#isClosed) throw new AfterwordError("shutdown", "The worker was closed.");
    return (this.#pool ??= inRootContext(() => this.#createPool(Piscina)));
  }

  #createPool(Piscina: PiscinaClass): PiscinaLike {
    const { max, idleMs, graceMs, resourceLimits } = this.#config;
    const settings: ThreadSettings = { channel: this.#channel, idleMs, closeMs: graceMs };
    const pool = new Piscina({
      filename: threadFile.href,
      minThreads: 0,
      maxThreads: max,
      // Threads end themselves, since they may have something to close before.
      idleTimeout: Infinity,
      // The others stop a thread's event loop while it waits for a job, and with it connections that it keeps open.
      atomics: "disabled",
      recordTiming: false,
      workerData: settings,
      ...(resourceLimits && { resourceLimits }),
    });
    pool.on("error", this.#onError);
    return pool;
  }
}

function assertModuleExists(task: string, module: string): void {
  const file = fileURLToPath(module);
  if (!existsSync(file))
    throw new AfterwordError(
      "thread_import_failed",
      `Task "${task}" names ${file} as the module for its worker threads, but there is no such file. Give it the URL of the module that defines it: thread: import.meta.url.`,
    );
}
