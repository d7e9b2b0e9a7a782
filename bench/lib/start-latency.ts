import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openEngine, type EngineName } from "../peers/engines.ts";
import { concurrency } from "./engine-work.ts";
import { pace, percentile, sharedNowMs } from "./latency.ts";
import { BenchError } from "./question.ts";
import type { Table } from "./table.ts";

/** Who adds jobs, and how many a second. */
export interface LatencyWay {
  readonly title: string;
  readonly engine: EngineName;
  /** Whether another process adds them than the one that runs them. */
  readonly isOther: boolean;
  readonly perSecond: number;
}

/** Our broker and the engine by itself, from the process that runs the jobs and from another. */
export function latencyWaysBeside(
  bare: { readonly call: string; readonly engine: EngineName },
  perSecond: number,
): Readonly<Record<string, LatencyWay>> {
  const way = (call: string, engine: EngineName, isOther: boolean): LatencyWay => ({
    title: `${call} in ${isOther ? "another" : "the worker's"} process`,
    engine,
    isOther,
    perSecond,
  });
  return {
    "latency-same": way("task.enqueue()", "broker", false),
    "bare-latency-same": way(bare.call, bare.engine, false),
    "latency-other": way("task.enqueue()", "broker", true),
    "bare-latency-other": way(bare.call, bare.engine, true),
  };
}

const adder = fileURLToPath(new URL("../peers/adder.ts", import.meta.url));
/** So long after the last one was added the last one must have started. */
const patienceMs = 20_000;

/** For each job, the milliseconds from adding it to the start of its function. */
export async function measureStartLatency(way: LatencyWay, url: string, seconds: number): Promise<readonly number[]> {
  const { engine: name, isOther, perSecond } = way;
  await using engine = await openEngine(name, url);
  const latencies: number[] = [];
  const working = await engine.work(concurrency, (addedAtMs) => latencies.push(sharedNowMs() - addedAtMs));
  try {
    // A worker that has run one has all that it needs: queues, for instance.
    await engine.add(sharedNowMs());
    await untilRun(latencies, 1);
    latencies.pop();
    if (isOther) await addElsewhere(name, url, perSecond, seconds);
    else {
      const adding: Promise<unknown>[] = [];
      await pace(perSecond, seconds, () => adding.push(engine.add(sharedNowMs())));
      await Promise.all(adding);
    }
    await untilRun(latencies, perSecond * seconds);
  } finally {
    await working.stop();
  }
  return latencies;
}

async function untilRun(latencies: readonly number[], count: number): Promise<void> {
  for (const deadline = performance.now() + patienceMs; latencies.length < count; await sleep(10))
    if (performance.now() > deadline) throw new BenchError(`Only ${latencies.length} of ${count} jobs were run.`);
}

async function addElsewhere(name: EngineName, url: string, perSecond: number, seconds: number): Promise<void> {
  const child = fork(adder, [name, url, String(perSecond), String(seconds)], {
    execArgv: ["--conditions=afterword-source"],
    timeout: (seconds + 20) * 1_000,
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new BenchError(`adder.ts ended with ${code}.`);
}

/** The percentiles of the jobs of all rounds. */
export function toLatencyTable(
  title: string,
  ways: Readonly<Record<string, LatencyWay>>,
  samples: ReadonlyMap<string, readonly (readonly number[])[]>,
): Table {
  return {
    title,
    plot: { kind: "bars", of: "p99", ours: /enqueue\(\)|^added/ },
    head: ["what", "jobs/s", "p50", "p99"],
    rows: [...samples].map(([name, rounds]) => {
      const pooled = rounds.flat();
      const { title: what, perSecond } = ways[name]!;
      return [
        what,
        perSecond.toLocaleString("en-US"),
        percentile(pooled, 50).toFixed(2),
        percentile(pooled, 99).toFixed(2),
      ];
    }),
  };
}
