import { hostname } from "node:os";
import { AfterwordError } from "../internal/afterword-error.ts";
import { inFreshContext } from "../internal/root-context.ts";
import { createUuidV7 } from "../internal/uuid-v7.ts";
import { assertTasksSupported } from "../tasks/abilities.ts";
import type { Consumer, WorkerInfo } from "../tasks/broker.ts";
import { Client } from "../tasks/client.ts";
import type { Delivery } from "../tasks/delivery.ts";
import type { Ending } from "../tasks/ending.ts";
import { allTasks } from "../tasks/registry.ts";
import { StoreError } from "../tasks/store-error.ts";
import { definitionOf } from "../tasks/task-definition.ts";
import { BlockedWarning } from "../background/blocked-warning.ts";
import { LoopWatch } from "../background/loop-watch.ts";
import { assertNotInTaskThread } from "../background/task-thread.ts";
import type { ExecuteContext, ExecuteWatcher } from "./endings.ts";
import { execute } from "./execute.ts";
import { logJobReport } from "../background/job-report.ts";
import { Threads } from "./threads/threads.ts";
import { toWorkerConfig, type WorkerConfig, type WorkerOptions } from "./worker-options.ts";

/** What `worker.close()` found. */
export interface WorkerReport {
  /** How many jobs ended while it was closing. */
  readonly finished: number;
  /** How many had not ended in time and were given back: other workers run them. */
  readonly released: number;
}

/**
 * Runs the jobs of a broker's queues, with the tasks that this process has loaded.
 *
 * An app with an embedded broker has one of its own. Elsewhere make one yourself, or run `afterword worker app.ts`.
 *
 * @example
 * ```ts
 * import { sqlite, task, Worker } from "afterword";
 *
 * task("greet", async (name: string) => console.log(`Hello, ${name}`));
 *
 * const worker = new Worker({ broker: sqlite("tasks.db"), queues: ["default"], concurrency: 16 });
 * await worker.start();
 * process.once("SIGTERM", () => worker.close());
 * ```
 */
export class Worker implements AsyncDisposable, ExecuteWatcher {
  /** How other processes know it; new for each worker. */
  readonly id: string = createUuidV7();
  readonly #config: WorkerConfig;
  readonly #ownsClient: boolean;
  #client: Client | undefined;
  #consumer: Consumer | undefined = undefined;
  #starting: Promise<void> | undefined = undefined;
  #closing: Promise<WorkerReport> | undefined = undefined;
  readonly #threads: Threads;
  /** The jobs whose functions run in this event loop. */
  readonly #here = new Set<Delivery>();
  readonly #warning: BlockedWarning;
  readonly #loopWatch = new LoopWatch(
    () => Array.from(this.#here, ({ job }) => job.task),
    (names, blockedMs) => this.#warning.warn(names, blockedMs, "while it ran"),
  );
  #ended = 0;
  /** What a broker waits with keeps no process alive: a worker of its own does. */
  #keepAlive: NodeJS.Timeout | undefined = undefined;

  /**
   * @param client - what `enqueue` inside its jobs uses; by default one of its own
   * @throws {DeclarationError} for an unknown option or a wrong value
   */
  constructor(options: WorkerOptions, client?: Client) {
    this.#config = toWorkerConfig(options);
    const { broker, threads, log } = this.#config;
    this.#threads = new Threads(threads, broker, (error) => this.#report(error, "thread", "worker thread"));
    this.#warning = new BlockedWarning(
      log,
      "Task",
      "no request was served and no other job went on. Split it with awaits, or let worker threads run it, with the option thread",
    );
    this.#client = client;
    this.#ownsClient = client === undefined;
  }

  /** How many jobs may run at the same time. */
  get slots(): number {
    return this.#config.concurrency;
  }

  /** How many jobs run now. */
  get running(): number {
    return this.#consumer?.running ?? 0;
  }

  /**
   * Connects and starts to run jobs. Calls after the first give the same promise.
   *
   * @throws {AfterwordError} when the broker cannot be opened, or lacks what a task asks for (code `unsupported`), and when
   *   the worker was closed before (code `broker_closed`)
   */
  start(): Promise<void> {
    return (this.#starting ??= this.#start());
  }

  async #start(): Promise<void> {
    if (this.#closing) throw new StoreError("broker_closed", "This worker was closed. Make a new one.");
    const { broker, concurrency, leaseMs, maxDeliveries } = this.#config;
    assertNotInTaskThread("worker.start()");
    assertTasksSupported(broker, allTasks());
    const queues = this.#config.queues ?? queuesOfTasks();
    await this.#threads.prepare(allTasks().filter((task) => queues.includes(definitionOf(task).config.queue)));
    const client = (this.#client ??= new Client({ broker }));
    try {
      await client.open();
    } catch (error) {
      if (this.#ownsClient) await client.close();
      throw error;
    }
    if (this.#closing) return;
    if (this.#ownsClient) this.#keepAlive = setInterval(() => {}, 2 ** 30);
    const worker: WorkerInfo = { id: this.id, host: hostname(), pid: process.pid, queues, slots: concurrency };
    const context: ExecuteContext = { client, watcher: this, threads: this.#threads };
    this.#consumer = broker.consume(
      {
        worker,
        slots: concurrency,
        queues,
        leaseMs,
        maxDeliveries,
        onError: (error) => this.#report(error, "broker", broker.name),
      },
      (delivery) => inFreshContext(execute, delivery, context),
    );
  }

  /**
   * Claims nothing any more, waits for what runs until `drainTimeout`, then aborts the rest and gives it back at once, so
   * that others run it. Calls after the first give the same report.
   *
   * @param deadlineMs - by `performance.now()`
   */
  close(deadlineMs: number = performance.now() + this.#config.drainTimeoutMs): Promise<WorkerReport> {
    return (this.#closing ??= this.#close(deadlineMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(deadlineMs: number): Promise<WorkerReport> {
    await this.#starting?.catch(() => {});
    const consumer = this.#consumer;
    let report: WorkerReport = { finished: 0, released: 0 };
    if (consumer) {
      const endedBefore = this.#ended;
      await consumer.stop();
      await until(consumer.idle(), deadlineMs);
      const released = consumer.running;
      await consumer.close();
      report = { finished: this.#ended - endedBefore, released };
    }
    await this.#threads.close();
    clearInterval(this.#keepAlive);
    if (this.#ownsClient) await this.#client?.close();
    return report;
  }

  started(): void {}

  calls(delivery: Delivery): void {
    this.#here.add(delivery);
    this.#loopWatch.add();
  }

  ended(delivery: Delivery, ending: Ending, error: unknown): void {
    if (this.#here.has(delivery)) {
      this.#loopWatch.remove();
      this.#here.delete(delivery);
    }
    const { job } = delivery;
    if (ending.status !== "released") this.#ended++;
    if (ending.status !== "failed" && ending.status !== "retry") return;
    this.#tell(error, {
      kind: "job",
      id: job.id,
      name: job.task,
      attempt: job.attempt,
      attempts: job.attempts,
      retryInMs: ending.status === "retry" ? ending.delayMs : undefined,
      queue: job.queue,
      requestId: job.meta.requestId,
    });
  }

  #report(error: unknown, kind: "broker" | "thread", name: string): void {
    this.#tell(error, {
      kind,
      id: undefined,
      name,
      attempt: 0,
      attempts: 0,
      retryInMs: undefined,
    });
  }

  #tell(...args: Parameters<WorkerConfig["onError"]>): void {
    try {
      this.#config.onError(...args);
    } catch (second) {
      const { log } = this.#config;
      logJobReport(
        log,
        new AfterwordError("on_error_failed", "onError of the worker threw.", { cause: second }),
        args[1],
      );
      logJobReport(log, ...args);
    }
  }
}

/** The queues of all tasks that this process knows, and the default one. */
export function queuesOfTasks(): string[] {
  return [...new Set(["default", ...allTasks().map((task) => definitionOf(task).config.queue)])];
}

async function until(promise: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadlineMs - performance.now()));
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
