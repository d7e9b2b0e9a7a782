// How long do other requests take while a task computes for 300 ms, on the event loop and in a worker thread?
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { pace, percentile } from "./lib/latency.ts";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer } from "./lib/question.ts";
import { interleave } from "./lib/rounds.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { median } from "./lib/statistics.ts";

const ways = {
  idle: "nothing computes",
  loop: "a task of 300 ms after another, on the event loop",
  thread: "the same with `thread: import.meta.url`",
} as const;
type Way = keyof typeof ways;

interface Sample {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How many tasks ended meanwhile, a second. */
  readonly tasksPerSecond: number;
}

/** What the server tells of itself. */
export interface ComputingCounts {
  readonly ended: number;
  readonly warnings: number;
}

/** A request of somebody else comes so often. */
const everyMs = 5;
const maxRatio = 1.5;

export const names: readonly string[] = Object.keys(ways);

export async function run(options: BenchOptions): Promise<Answer> {
  const picked = (Object.keys(ways) as Way[]).filter((way) => options.only.size === 0 || options.only.has(way));
  const warnings = new Map<string, number>();
  const samples = await interleave("P10", picked, options, (way) => measure(way as Way, options.seconds, warnings));
  const of = (way: Way, key: keyof Sample): number[] => samples.get(way)!.map((sample) => sample[key]);
  const ratio = (way: Way): number => median(of(way, "p99Ms").map((p99, round) => p99 / of("idle", "p99Ms")[round]!));
  return {
    tables: [
      {
        title: `P10: how long another request takes, one each ${everyMs} ms`,
        plot: { kind: "bars", of: "p99 ms", ours: /thread/ },
        head: ["meanwhile", "p50 ms", "p99 ms", "max ms", "tasks ended/s"],
        rows: picked.map((way) => [
          ways[way],
          median(of(way, "p50Ms")).toFixed(2),
          median(of(way, "p99Ms")).toFixed(2),
          Math.max(...of(way, "maxMs")).toFixed(1),
          median(of(way, "tasksPerSecond")).toFixed(1),
        ]),
      },
    ],
    notes: [
      "The task is pure JavaScript; it is stored in memory and run by the server's own process, the next one 100 ms after the one before has ended. Whoever asks is another process.",
    ],
    targets: [
      ...(samples.has("idle") && samples.has("thread")
        ? [
            {
              text: `P10 p99 of other requests at most ${maxRatio} × idle while a thread computes`,
              value: ratio("thread").toFixed(2),
              isMet: ratio("thread") <= maxRatio,
            },
          ]
        : []),
      ...(samples.has("loop")
        ? [
            {
              text: "P10 without the thread, the warning of a blocked event loop is given once",
              value: `${warnings.get("loop")}`,
              isMet: warnings.get("loop") === 1,
            },
          ]
        : []),
    ],
    skipped: [],
    data: {
      piscina: installedVersion("piscina"),
      samples: Object.fromEntries(samples),
      warnings: Object.fromEntries(warnings),
    },
  };
}

async function measure(way: Way, seconds: number, warnings: Map<string, number>): Promise<Sample> {
  const program = fileURLToPath(new URL("peers/computing.ts", import.meta.url));
  const server = await ServerProcess.start(
    ways[way],
    (port) => ({
      command: process.execPath,
      args: ["--conditions=afterword-source", program, way, String(port)],
    }),
    "/counts",
  );
  try {
    // Threads start with the first task.
    if (way !== "idle") await untilEnded(server, 2);
    const { ended } = await countsOf(server);
    const startMs = performance.now();
    const tookMs = await ask(server.url, seconds);
    const after = await countsOf(server);
    warnings.set(way, after.warnings);
    return {
      p50Ms: percentile(tookMs, 50),
      p99Ms: percentile(tookMs, 99),
      maxMs: percentile(tookMs, 100),
      tasksPerSecond: (after.ended - ended) / ((performance.now() - startMs) / 1_000),
    };
  } finally {
    await server.stop();
  }
}

/** Asks at a fixed rate, whether the requests before were answered or not: what has to wait counts with its waiting. */
async function ask(url: string, seconds: number): Promise<readonly number[]> {
  const asked: Promise<number>[] = [];
  await pace(1_000 / everyMs, seconds, () => asked.push(takes(`${url}/ping`)));
  return Promise.all(asked);
}

async function takes(url: string): Promise<number> {
  const startMs = performance.now();
  const response = await fetch(url);
  await response.text();
  return performance.now() - startMs;
}

async function untilEnded(server: ServerProcess, count: number): Promise<void> {
  for (const deadline = performance.now() + 20_000; (await countsOf(server)).ended < count; await sleep(50))
    if (performance.now() > deadline) throw new BenchError(`${server.name}: no task has ended within 20 s.`);
}

async function countsOf(server: ServerProcess): Promise<ComputingCounts> {
  server.assertRuns();
  const response = await fetch(`${server.url}/counts`, { signal: AbortSignal.timeout(10_000) });
  return (await response.json()) as ComputingCounts;
}
