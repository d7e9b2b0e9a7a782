import { openEngine } from "../peers/engines.ts";
import { concurrency } from "./engine-work.ts";
import { BenchError, type Target } from "./question.ts";
import { median, medianRatio } from "./statistics.ts";
import type { Table } from "./table.ts";

/** Microseconds for each job in each round, by how many jobs wait. */
export type Depths = ReadonlyMap<number, readonly number[]>;

/** So many jobs are run before any of them counts. */
const warmUps = 1_000;
const patienceMs = 120_000;

/** Runs jobs, each of which adds another, so that as many wait as before. @returns microseconds for each */
export async function measureDepth(url: string, jobs: number): Promise<number> {
  await using engine = await openEngine("broker", url);
  const adding: Promise<unknown>[] = [];
  const { promise: all, resolve, reject } = Promise.withResolvers<number>();
  const timer = setTimeout(() => reject(new BenchError(`Only ${ran} of ${jobs} jobs were run.`)), patienceMs);
  let ran = 0;
  let startMs = 0;
  const working = await engine.work(concurrency, () => {
    adding.push(engine.add(1));
    if (++ran === warmUps) startMs = performance.now();
    if (ran === warmUps + jobs) resolve(((performance.now() - startMs) * 1_000) / jobs);
  });
  try {
    return await all;
  } finally {
    clearTimeout(timer);
    await working.stop();
    await Promise.all(adding);
  }
}

export function toDepthTable(depths: Depths, how: string): Table {
  return {
    title: `P8: a job that is run and adds another, ${how}`,
    head: ["jobs that wait", "µs a job"],
    rows: [...depths].map(([size, samples]) => [size.toLocaleString("en-US"), median(samples).toFixed(0)]),
  };
}

export function toDepthTarget(depths: Depths): Target {
  const [[few, fewUs], [many, manyUs]] = [...depths] as [[number, number[]], [number, number[]]];
  const growth = medianRatio(manyUs, fewUs);
  return {
    text: `P8 a job with ${many.toLocaleString("en-US")} waiting at most 1.5 × with ${few.toLocaleString("en-US")}`,
    value: growth.toFixed(2),
    isMet: growth <= 1.5,
  };
}
