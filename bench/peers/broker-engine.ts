import type { Broker } from "../../src/tasks/broker.ts";
import { createUuidV7 } from "../../src/internal/uuid-v7.ts";
import { Client } from "../../src/tasks/client.ts";
import type { NewJob } from "../../src/tasks/job.ts";
import { task } from "../../src/tasks/task.ts";
import { Worker } from "../../src/worker/worker.ts";
import type { Engine, Working } from "../lib/engine.ts";

let onRun: (addedAtMs: number) => void = () => {};
const noop = task("noop", (addedAtMs: number) => onRun(addedAtMs));

/** A broker of ours, with its own client and workers. One of them may be open in a process. */
export class BrokerEngine implements Engine {
  readonly #broker: Broker;
  readonly #client: Client;

  static async open(broker: Broker): Promise<BrokerEngine> {
    const engine = new BrokerEngine(broker);
    await engine.#client.open();
    return engine;
  }

  private constructor(broker: Broker) {
    this.#broker = broker;
    this.#client = new Client({ broker });
  }

  addBatch(count: number): Promise<unknown> {
    return this.#broker.enqueue({ jobs: Array.from({ length: count }, toJob) });
  }

  add(addedAtMs: number): Promise<unknown> {
    return noop.enqueue(addedAtMs);
  }

  async work(concurrency: number, fn: (addedAtMs: number) => void): Promise<Working> {
    onRun = fn;
    const worker = new Worker({ broker: this.#broker, concurrency }, this.#client);
    await worker.start();
    return { stop: () => worker.close() };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client.close();
  }
}

const backoff = { baseMs: 1_000, factor: 2, maxMs: 60_000, jitter: true };

export function toJob(): NewJob {
  return {
    id: createUuidV7(),
    task: "noop",
    queue: "default",
    args: "[1]",
    priority: 5,
    delayMs: 0,
    expiresMs: undefined,
    uniqueKey: undefined,
    attempts: 1,
    backoff,
    timeoutMs: undefined,
    limits: undefined,
    keepResultMs: 3_600_000,
    keepFailedMs: 604_800_000,
    after: undefined,
    meta: {},
  };
}
