import { exactCpuTime } from "./cpu-time.ts";
import type { Engine } from "./engine.ts";
import { BenchError } from "./question.ts";

/** How fast jobs were added or run. */
export interface WorkSample {
  readonly perSecond: number;
  /** Microseconds of CPU for each job, of the process that adds or runs them. */
  readonly cpuUs: number;
  /** The same of the server, where it is known. */
  readonly serverCpuUs?: number;
}

/** So many jobs are stored by one call. */
export const batch = 100;
/** So many of such calls are under way at the same time. */
export const batchesAtOnce = 4;
/** So many callers add a job each, at the same time. */
export const callers = 1_000;
/** So many jobs run at the same time. */
export const concurrency = 200;

/** All jobs of a sample must have run by then. */
const patienceMs = 120_000;

/** @param server - the id of the process that keeps the jobs */
export async function timed(count: number, fn: () => unknown, server?: number): Promise<WorkSample> {
  const serverBefore = server === undefined ? 0 : exactCpuTime(server);
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  await fn();
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    perSecond: (count * 1_000) / wallMs,
    cpuUs: (user + system) / count,
    ...(server !== undefined && { serverCpuUs: (exactCpuTime(server) - serverBefore) / 1_000 / count }),
  };
}

export async function addBatches(engine: Engine, count: number, size: number = batch): Promise<void> {
  let added = 0;
  const caller = async (): Promise<void> => {
    while (added < count) {
      added += size;
      await engine.addBatch(size);
    }
  };
  await Promise.all(Array.from({ length: batchesAtOnce }, caller));
}

export async function addOneByOne(engine: Engine, count: number): Promise<void> {
  let added = 0;
  const caller = async (): Promise<void> => {
    while (added++ < count) await engine.add(1);
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

/** Adds jobs, and then measures how they are run. */
export async function runAll(engine: Engine, count: number, server?: number): Promise<WorkSample> {
  await addBatches(engine, count);
  await engine.settle?.();
  let ran = 0;
  const { promise: all, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new BenchError(`Only ${ran} of ${count} jobs were run.`)), patienceMs);
  const sample = await timed(
    count,
    async () => {
      const working = await engine.work(concurrency, () => {
        if (++ran === count) resolve();
      });
      try {
        await all;
      } finally {
        // The last of them count when their endings are stored.
        await working.stop();
      }
    },
    server,
  );
  clearTimeout(timer);
  if (ran !== count) throw new BenchError(`Of ${count} jobs, ${ran} were run.`);
  return sample;
}
