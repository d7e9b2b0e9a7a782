import { Logger, makeWorkerUtils, run, runMigrations, type Runner, type WorkerUtils } from "graphile-worker";
import { Pool } from "pg";
import type { Engine, Working } from "../lib/engine.ts";

const task = "noop";

/** graphile-worker by itself, with what its documentation has for many short jobs: a local queue, and endings in batches. */
export class GraphileEngine implements Engine {
  readonly #pool: Pool;
  readonly #utils: WorkerUtils;

  static async open(url: string): Promise<GraphileEngine> {
    const pgPool = new Pool({ connectionString: url, max: 20 });
    // Its connections may outlive it by a moment, and the database is dropped then.
    pgPool.on("error", () => {});
    await runMigrations({ pgPool, logger });
    return new GraphileEngine(pgPool, await makeWorkerUtils({ pgPool, logger }));
  }

  private constructor(pool: Pool, utils: WorkerUtils) {
    this.#pool = pool;
    this.#utils = utils;
  }

  addBatch(count: number): Promise<unknown> {
    return this.#utils.addJobs(Array.from({ length: count }, () => ({ identifier: task, payload: [1] })));
  }

  add(addedAtMs: number): Promise<unknown> {
    return this.#utils.addJob(task, [addedAtMs]);
  }

  settle(): Promise<unknown> {
    return this.#utils.withPgClient((client) => client.query("ANALYZE graphile_worker._private_jobs"));
  }

  async work(concurrency: number, onRun: (addedAtMs: number) => void): Promise<Working> {
    const runner: Runner = await run({
      logger,
      pgPool: this.#pool,
      noHandleSignals: true,
      taskList: {
        [task]: (payload) => onRun((payload as readonly number[])[0]!),
      },
      preset: {
        worker: {
          concurrentJobs: concurrency,
          pollInterval: 500,
          localQueue: { size: 2 * concurrency, refetchDelay: { durationMs: 100 } },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        },
      },
    });
    return { stop: () => runner.stop() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#utils.release();
    await this.#pool.end();
  }
}

const logger = new Logger(() => () => {});
