import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Broker, ConsumeOptions, Consumer, StoredJob } from "../../tasks/broker.ts";
import type { Execute } from "../../tasks/delivery.ts";
import { isFinal, type Job, type JobStatus, type NewJob } from "../../tasks/job.ts";
import type { BrokerSetup, DescribeBrokerOptions, UserTransaction } from "./options.ts";
import { HoldingRecorder } from "./recorder.ts";
import { createSampleJob, sampleQueue } from "./sample-job.ts";
import { SpawnedWorkers, type SpawnedWorker } from "./spawned-worker.ts";
import { waitUntil, within } from "./wait.ts";

/** How a consumer of a case differs from one with a single slot, on the first broker and the queue of the samples. */
export interface BenchConsumeOptions extends Partial<Omit<ConsumeOptions, "worker" | "onError">> {
  readonly broker?: Broker | undefined;
}

/** What one case works with: an open broker, and everything that must be closed after it. */
export class Bench {
  readonly broker: Broker;
  readonly setup: BrokerSetup;
  readonly leaseMs: number;
  readonly patienceMs: number;
  /** What consumers were told through `onError`. A case that expects something takes it away; what is left fails the case. */
  readonly errors: unknown[] = [];
  readonly #createBroker: () => Promise<BrokerSetup>;
  readonly #setups: BrokerSetup[];
  readonly #openBrokers = new Set<Broker>();
  readonly #consumers = new Set<Consumer>();
  readonly #held: HoldingRecorder[] = [];
  readonly #spawned = new SpawnedWorkers();

  private constructor(setup: BrokerSetup, options: DescribeBrokerOptions) {
    this.setup = setup;
    this.broker = setup.broker;
    this.leaseMs = options.leaseMs ?? 500;
    this.patienceMs = options.patienceMs ?? 5_000;
    this.#createBroker = options.createBroker;
    this.#setups = [setup];
  }

  static async open(options: DescribeBrokerOptions): Promise<Bench> {
    const bench = new Bench(await options.createBroker(), options);
    await bench.open(bench.broker).catch(async (error: unknown) => {
      await bench.close();
      throw error;
    });
    return bench;
  }

  /** A broker on a store of its own, not open. */
  async createBroker(): Promise<Broker> {
    const setup = await this.#createBroker();
    this.#setups.push(setup);
    return setup.broker;
  }

  async open(broker: Broker): Promise<void> {
    this.#openBrokers.add(broker);
    await within(broker.open(), this.patienceMs, "open() to resolve");
  }

  async closeBroker(broker: Broker): Promise<void> {
    this.#openBrokers.delete(broker);
    await within(broker.close(), this.patienceMs, "close() to resolve");
  }

  /** One more connection to the store, open. */
  async another(): Promise<Broker> {
    const broker = await this.offered("another", this.setup.another)();
    await this.open(broker);
    return broker;
  }

  /** One more connection if the setup offers it, or else the broker itself: for cases that hold for both. */
  async other(): Promise<Broker> {
    return this.setup.another ? this.another() : this.broker;
  }

  async transaction(): Promise<UserTransaction> {
    return this.offered("transaction", this.setup.transaction)();
  }

  /** A worker in a process of its own, which runs {@link Behavior}s. It is consuming when this resolves. */
  async spawnWorker(
    options: { readonly slots?: number; readonly maxDeliveries?: number } = {},
  ): Promise<SpawnedWorker> {
    const spawn = this.offered("spawnWorker", this.setup.spawnWorker);
    return this.#spawned.start(spawn, {
      queues: [sampleQueue],
      slots: options.slots ?? 1,
      leaseMs: this.leaseMs,
      maxDeliveries: options.maxDeliveries ?? 3,
      patienceMs: this.patienceMs,
    });
  }

  offered<T>(name: string, value: T | undefined): T {
    if (value !== undefined) return value;
    throw new Error(
      `This case needs "${name}" of what createBroker() resolves with. Offer it, or say what is missing in describeBroker's option lacks.`,
    );
  }

  consume(execute: Execute, { broker = this.broker, ...options }: BenchConsumeOptions = {}): Consumer {
    const queues = options.queues ?? [sampleQueue];
    const slots = options.slots ?? 1;
    const consumer: Consumer = broker.consume(
      {
        // Long, so that a machine that is busy for a second loses none; cases about leases say their own.
        leaseMs: 30_000,
        maxDeliveries: 3,
        ...options,
        worker: { id: randomUUID(), host: hostname(), pid: process.pid, queues, slots },
        queues,
        slots,
        // What a consumer says after its end is of late endings, which are refused.
        onError: (error) => {
          if (this.#consumers.has(consumer) && this.#openBrokers.has(broker)) this.errors.push(error);
        },
      },
      execute,
    );
    this.#consumers.add(consumer);
    return consumer;
  }

  /** Stops it and gives its jobs back. */
  async closeConsumer(consumer: Consumer): Promise<void> {
    this.#consumers.delete(consumer);
    await within(consumer.stop(), this.patienceMs, "stop() to resolve");
    await within(consumer.close(), this.patienceMs, "close() of the consumer to resolve");
  }

  /** An execute whose jobs run until they are let go, or until the case has ended. */
  holding(): HoldingRecorder {
    const recorder = new HoldingRecorder();
    this.#held.push(recorder);
    return recorder;
  }

  /** Stores one sample job. */
  async enqueue(fields: Partial<NewJob> = {}, broker: Broker = this.broker): Promise<StoredJob> {
    const stored = await broker.enqueue({ jobs: [createSampleJob(fields)] });
    assert.equal(stored.length, 1);
    return stored[0]!;
  }

  /** A job that is known. */
  async get(id: string, broker: Broker = this.broker): Promise<Job> {
    const [job] = await broker.get({ ids: [id] });
    assert.ok(job, `get() knows nothing of job ${id}`);
    return job;
  }

  async until(condition: () => unknown, what: string): Promise<void> {
    await waitUntil(condition, this.patienceMs, what);
  }

  /** The job, once it has that status. */
  async status(id: string, status: JobStatus, broker: Broker = this.broker): Promise<Job> {
    let job = await this.get(id, broker);
    const isThere = async (): Promise<boolean> => {
      job = await this.get(id, broker);
      return job.status === status || isFinal(job.status);
    };
    await waitUntil(isThere, this.patienceMs, `job ${id} is ${status}`).catch((error: unknown) => {
      throw new Error(`${String(error)} It is ${job.status}.`, { cause: error });
    });
    assert.equal(job.status, status, `job ${id} is ${job.status} (${JSON.stringify(job.error ?? job.reason)})`);
    return job;
  }

  /** Waits until all of them have succeeded. */
  async succeed(...ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.status(id, "succeeded");
  }

  /** Closes everything, in reverse. Rejects with the first trouble, or when consumers were told of some. */
  async close(): Promise<void> {
    const troubles: unknown[] = [];
    const attempt = async (closing: () => Promise<unknown>): Promise<void> => {
      await closing().catch((error: unknown) => troubles.push(error));
    };
    for (const recorder of this.#held) recorder.letGo();
    for (const consumer of [...this.#consumers]) await attempt(() => this.closeConsumer(consumer));
    await attempt(() => this.#spawned.close());
    for (const broker of [...this.#openBrokers].toReversed()) await attempt(() => this.closeBroker(broker));
    for (const setup of this.#setups.toReversed()) await attempt(() => setup.dispose());
    troubles.push(...this.errors);
    if (troubles.length > 0) throw troubles[0];
  }
}
