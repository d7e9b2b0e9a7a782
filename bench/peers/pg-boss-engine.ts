import { PgBoss, type Job } from "pg-boss";
import type { Engine, Working } from "../lib/engine.ts";

const queueName = "default";
/** So many jobs a worker of it fetches, and ends together. */
const batchSize = 100;

/** How pg-boss is used, where its documentation leaves a choice. */
export interface PgBossSettings {
  /** Whether workers are woken by notifications: quick to start, and each job that is added by itself takes longer. */
  readonly notify?: boolean;
  /** Whether jobs have outcomes of their own, as ours have, in place of one for a batch. */
  readonly perJobResults?: boolean;
}

/** pg-boss by itself, with what its documentation has for many jobs. */
export class PgBossEngine implements Engine {
  readonly #boss: PgBoss;
  readonly #settings: PgBossSettings;
  #isClosed = false;

  static async open(url: string, settings: PgBossSettings = {}): Promise<PgBossEngine> {
    const engine = new PgBossEngine(url, settings);
    await engine.#boss.start();
    await engine.#boss.createQueue(queueName, { notify: settings.notify ?? false });
    return engine;
  }

  private constructor(url: string, settings: PgBossSettings) {
    this.#boss = new PgBoss({ connectionString: url, useListenNotify: settings.notify ?? false });
    this.#boss.on("error", (error: Error) => {
      // Its connections may outlive it by a moment, and the database is dropped then.
      if (!this.#isClosed) console.error(`pg-boss: ${error.message}`);
    });
    this.#settings = settings;
  }

  addBatch(count: number): Promise<unknown> {
    return this.#boss.insert(
      queueName,
      Array.from({ length: count }, () => ({ data: [1] })),
    );
  }

  add(addedAtMs: number): Promise<unknown> {
    return this.#boss.send(queueName, [addedAtMs]);
  }

  /** Without it, fetching from a table that has just been filled takes twice as long. */
  settle(): Promise<unknown> {
    return this.#boss.getDb().executeSql("ANALYZE pgboss.job");
  }

  async work(concurrency: number, onRun: (addedAtMs: number) => void): Promise<Working> {
    const options = {
      batchSize,
      localConcurrency: concurrency / batchSize,
      burstWhenBatchFull: true,
      pollingIntervalSeconds: 0.5,
    };
    const run = (jobs: readonly Job<readonly number[]>[]): void => {
      for (const { data } of jobs) onRun(data[0]!);
    };
    if (this.#settings.perJobResults)
      await this.#boss.work<readonly number[]>(queueName, { ...options, perJobResults: true }, async (jobs) => {
        run(jobs);
        return jobs.map(({ id }) => ({ id, status: "completed" }));
      });
    else await this.#boss.work<readonly number[]>(queueName, options, async (jobs) => run(jobs));
    return { stop: () => this.#boss.offWork(queueName) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#boss.stop({ graceful: false });
  }
}
