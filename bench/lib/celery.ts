import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { exactCpuTime } from "./cpu-time.ts";
import { concurrency, type WorkSample } from "./engine-work.ts";
import { findPython } from "./python.ts";
import { BenchError } from "./question.ts";
import type { Command } from "./server-process.ts";
import type { JobServer, ServerWay } from "./server-question.ts";
import { WorkerProcess } from "./worker-process.ts";

/** Who runs the messages of Celery's own client. */
export interface CeleryWay {
  readonly workers: number;
  /** Whether what tasks return is stored. */
  readonly results: boolean;
  readonly toCommand: (python: string, name: string, url: string) => Command;
}

/** One worker with a process for each core, and its prefetching: what its documentation starts from. */
export const prefork: CeleryWay = {
  workers: 1,
  results: false,
  toCommand: celeryWorker(["--pool=prefork", `--concurrency=${availableParallelism()}`], 4),
};

/** The fastest that was found: a worker for each core that runs tasks itself, and many that are fetched ahead. */
export const solo: CeleryWay = {
  workers: availableParallelism(),
  results: false,
  toCommand: celeryWorker(["--pool=solo"], 128),
};

/** One process of ours on Celery's queue. */
export const ours: CeleryWay = {
  workers: 1,
  results: false,
  toCommand: (_python, name, url) => ({
    command: process.execPath,
    args: ["--conditions=afterword-source", "celery-worker.ts", url, name, String(concurrency)],
  }),
};

/** Enough for some seconds of its workers. */
export const maxCeleryJobs = 5_000;

/** Its two ways, beside an engine by itself. */
export function celeryRuns(python: string): Readonly<Record<string, ServerWay<JobServer>>> {
  return {
    "celery-run": {
      title: "run: Celery, prefork, a process for each core",
      base: "bare-run",
      go: runningCelery(python, prefork),
    },
    "celery-solo": {
      title: "run: Celery, a solo worker for each core, prefetching 128",
      base: "bare-run",
      go: runningCelery(python, solo),
    },
  };
}

export function runningCelery(python: string, way: CeleryWay): ServerWay<JobServer>["go"] {
  return (count, url, { pid }) => runCelery(python, way, url, Math.min(count, maxCeleryJobs), pid);
}

const folder = fileURLToPath(new URL("../peers/", import.meta.url));
const startMs = 30_000;
const patienceMs = 120_000;
/** A pool of Celery's that is told to end while its last jobs are ending may never do so. */
const settleMs = 500;
const run = promisify(execFile);

/** @param client - the Python package with which Celery reaches the server */
export function findCelery(client: "redis" | "amqp"): ReturnType<typeof findPython> {
  return findPython(`
import platform, celery, kombu, ${client}
print(f"Python {platform.python_version()}, celery {celery.__version__}, kombu {kombu.__version__}, ${client} {${client}.__version__}")`);
}

/** Has Celery's own client add jobs, and measures from the start of the first job to that of the last, of workers that were ready. */
export async function runCelery(
  python: string,
  way: CeleryWay,
  url: string,
  count: number,
  serverPid?: number,
): Promise<WorkSample> {
  const call = (...args: readonly string[]): Promise<unknown> =>
    run(python, ["celery_noop.py", ...args], {
      cwd: folder,
      env: { ...process.env, ...envOf(url), ...(way.results && { BENCH_CELERY_RESULTS: "1" }) },
      timeout: patienceMs,
    });
  await call("add", String(count));
  const workers: WorkerProcess[] = [];
  try {
    for (let index = 0; index < way.workers; index++) {
      const { env, ...command } = way.toCommand(python, `worker${index}`, url);
      const all = { ...envOf(url), ...env, ...(way.results && { BENCH_CELERY_RESULTS: "1" }) };
      workers.push(new WorkerProcess(`worker${index}`, { ...command, env: all }, folder));
    }
    await until(workers, () => workers.every((worker) => worker.toldAtMs("ready") !== undefined), startMs);
    const cpuBefore = sum(workers.map((worker) => worker.cpuTime));
    const serverBefore = serverPid === undefined ? 0 : exactCpuTime(serverPid);
    await call("go");
    await until(workers, () => workers.some((worker) => worker.toldAtMs("last") !== undefined), patienceMs);
    const cpuUs = (sum(workers.map((worker) => worker.cpuTime)) - cpuBefore) / count;
    const serverCpuUs = serverPid === undefined ? 0 : (exactCpuTime(serverPid) - serverBefore) / 1_000 / count;
    const wallMs = toldAtMs(workers, "last") - toldAtMs(workers, "first");
    await sleep(settleMs);
    const ran = sum(await Promise.all(workers.map((worker) => worker.stop(startMs))));
    if (ran !== count) throw new BenchError(`Of ${count} jobs, the workers ran ${ran}.`);
    return { perSecond: (count * 1_000) / wallMs, cpuUs, ...(serverPid !== undefined && { serverCpuUs }) };
  } finally {
    for (const worker of workers) worker.kill();
  }
}

function celeryWorker(pool: readonly string[], prefetchMultiplier: number): CeleryWay["toCommand"] {
  const quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"];
  // It waits at a queue that nobody uses, until it is told to go on.
  const args = ["--queues=nothing", ...quiet, ...pool];
  return (python, name) => ({
    command: python,
    args: ["-m", "celery", "-A", "celery_noop", "worker", `--hostname=${name}@%h`, ...args],
    env: { BENCH_CELERY_PREFETCH: String(prefetchMultiplier) },
  });
}

function envOf(url: string): Record<string, string> {
  // No __pycache__ in the repository.
  return { PYTHONDONTWRITEBYTECODE: "1", BENCH_CELERY_URL: url };
}

async function until(workers: readonly WorkerProcess[], condition: () => boolean, withinMs: number): Promise<void> {
  for (const deadline = performance.now() + withinMs; !condition(); await sleep(5)) {
    for (const worker of workers) worker.assertRuns();
    if (performance.now() > deadline) throw new BenchError(`The workers did not come so far within ${withinMs} ms.`);
  }
}

function toldAtMs(workers: readonly WorkerProcess[], word: string): number {
  return Math.min(...workers.map((worker) => worker.toldAtMs(word) ?? Infinity));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
