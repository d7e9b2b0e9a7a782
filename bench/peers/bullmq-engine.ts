import { Queue, Worker, type ConnectionOptions } from "bullmq";
import type { Engine, Working } from "../lib/engine.ts";

const queueName = "default";

/** BullMQ by itself, as its documentation shows it: jobs without options, which are kept when they have ended. */
export class BullMqEngine implements Engine {
  readonly #connection: ConnectionOptions;
  readonly #queue: Queue<readonly number[]>;

  static async open(url: string): Promise<BullMqEngine> {
    const engine = new BullMqEngine(url);
    await engine.#queue.waitUntilReady();
    return engine;
  }

  private constructor(url: string) {
    const { hostname, port, pathname } = new URL(url);
    this.#connection = { host: hostname, port: Number(port), db: Number(pathname.slice(1)) };
    this.#queue = new Queue(queueName, { connection: this.#connection });
  }

  addBatch(count: number): Promise<unknown> {
    return this.#queue.addBulk(Array.from({ length: count }, () => ({ name: "noop", data: [1] })));
  }

  add(addedAtMs: number): Promise<unknown> {
    return this.#queue.add("noop", [addedAtMs]);
  }

  async work(concurrency: number, onRun: (addedAtMs: number) => void): Promise<Working> {
    const worker = new Worker<readonly number[]>(queueName, async ({ data }) => onRun(data[0]!), {
      connection: this.#connection,
      concurrency,
    });
    worker.on("error", (error) => console.error(`BullMQ: ${error.message}`));
    await worker.waitUntilReady();
    return { stop: () => worker.close() };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#queue.close();
  }
}
