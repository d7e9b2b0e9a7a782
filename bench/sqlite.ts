// How near does the SQLite broker come to its bare statements, and how soon does a job start?
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { toSqliteConfig } from "../src/brokers/sqlite/options.ts";
import { sqlite } from "../src/brokers/sqlite/index.ts";
import { SqliteStore } from "../src/brokers/sqlite/sqlite-store.ts";
import { createUuidV7 } from "../src/internal/uuid-v7.ts";
import type { Broker } from "../src/tasks/broker.ts";
import { Client } from "../src/tasks/client.ts";
import type { NewJob } from "../src/tasks/job.ts";
import { task } from "../src/tasks/task.ts";
import { Worker } from "../src/worker/worker.ts";
import { pace, percentile, sharedNowMs } from "./lib/latency.ts";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer, type Target } from "./lib/question.ts";
import { interleave } from "./lib/rounds.ts";
import { SqliteFile } from "./lib/sqlite-file.ts";
import { median, medianRatio } from "./lib/statistics.ts";
import { BareSqlite } from "./peers/bare-sqlite.ts";

interface Sample {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** So many jobs are stored together, or claimed and ended together by the bare statements. */
const batch = 100;
const concurrency = 200;
const callers = 1_000;
const adder = fileURLToPath(new URL("peers/sqlite-adder.ts", import.meta.url));

let onRun: (addedAtMs: number) => void = () => {};
const noop = task("noop", (addedAtMs: number) => onRun(addedAtMs));

const ways: Readonly<Record<string, { readonly title: string; readonly base: string; go: Go }>> = {
  "bare-add": { title: "add: bare statements, batches of 100", base: "bare-add", go: addBare },
  "store-add": { title: "add: the broker, batches of 100, 4 at once", base: "bare-add", go: addBatches },
  "store-add-loop": { title: "the same, thread: false", base: "bare-add", go: (n) => addBatches(n, false) },
  "task-add": { title: "add: task.enqueue(), 1,000 callers at once", base: "bare-add", go: addOneByOne },
  "task-add-loop": { title: "the same, thread: false", base: "bare-add", go: (n) => addOneByOne(n, false) },
  "bare-run": { title: "claim and end: bare statements, batches of 100", base: "bare-run", go: runBare },
  "worker-run": { title: "run: Worker, concurrency 200", base: "bare-run", go: runWorker },
  "worker-run-loop": { title: "the same, thread: false", base: "bare-run", go: (n) => runWorker(n, false) },
};

type Go = (count: number) => Promise<Sample>;

const latencyWays: Readonly<Record<string, string>> = {
  "latency-same": "added in the worker's process",
  "latency-other": "added by another process",
};

export const names: readonly string[] = [...Object.keys(ways), ...Object.keys(latencyWays), "claim"];

export async function run(options: BenchOptions): Promise<Answer> {
  const isPicked = (name: string): boolean => options.only.size === 0 || options.only.has(name);
  const count = options.quick ? 2_000 : 40_000;
  const samples = await interleave("P5", Object.keys(ways).filter(isPicked), options, (name) => ways[name]!.go(count));
  const latencies = await interleave("P5 latency", Object.keys(latencyWays).filter(isPicked), options, (name) =>
    measureLatency(name === "latency-other", options.seconds),
  );
  const sizes = options.quick ? [1_000, 20_000] : [1_000, 1_000_000];
  const claims = isPicked("claim") ? await measureClaims(sizes, options) : undefined;
  const perSecond = (name: string): number[] => samples.get(name)!.map((sample) => sample.perSecond);
  const ratio = (name: string): number => medianRatio(perSecond(name), perSecond(ways[name]!.base));
  const pooled = (name: string, of100: number): number => percentile(latencies.get(name)!.flat(), of100);
  return {
    tables: [
      {
        title: "P5: adding and running jobs, one process, synchronous=FULL",
        head: ["what", "jobs/s", "× bare", "CPU µs/job"],
        rows: [...samples].map(([name, own]) => [
          ways[name]!.title,
          Math.round(median(perSecond(name))).toLocaleString("en-US"),
          samples.has(ways[name]!.base) ? ratio(name).toFixed(2) : "",
          median(own.map(({ cpuUs }) => cpuUs)).toFixed(1),
        ]),
      },
      {
        title: "P5: from enqueue() to the start of the function, 1,000 jobs/s, ms",
        head: ["what", "p50", "p99"],
        rows: [...latencies.keys()].map((name) => [
          latencyWays[name]!,
          pooled(name, 50).toFixed(2),
          pooled(name, 99).toFixed(2),
        ]),
      },
      ...(claims
        ? [
            {
              title: "P8: a claim of 10 jobs and giving them back, synchronous=NORMAL, in the event loop",
              head: ["jobs that wait", "µs"],
              rows: sizes.map((size) => [size.toLocaleString("en-US"), median(claims.get(size)!).toFixed(0)]),
            },
          ]
        : []),
    ],
    notes: [
      "× bare is the median of the ratios within each round. The bare statements keep all indexes and move ended jobs as the broker does; they check nothing and hand nothing to anybody.",
    ],
    targets: toTargets(),
    skipped: [],
    data: {
      count,
      samples: Object.fromEntries(samples),
      latencies: [...latencies.keys()].map((name) => ({ name, p50: pooled(name, 50), p99: pooled(name, 99) })),
      claims: claims && Object.fromEntries(claims),
    },
  };

  function toTargets(): Target[] {
    const targets: Target[] = [];
    const add = (name: string, least: number): void => {
      if (!samples.has(name) || !samples.has(ways[name]!.base)) return;
      const rate = median(perSecond(name));
      targets.push({
        text: `P5 at least ${least.toLocaleString("en-US")}/s or 0.6 × bare: ${ways[name]!.title}`,
        value: `${Math.round(rate).toLocaleString("en-US")}/s, ${ratio(name).toFixed(2)} × bare`,
        isMet: rate >= least || ratio(name) >= 0.6,
      });
    };
    add("store-add", 100_000);
    add("worker-run", 50_000);
    for (const name of latencies.keys())
      targets.push({
        text: `P5 start at most 5 ms after enqueue() at p99: ${latencyWays[name]!}`,
        value: `${pooled(name, 99).toFixed(2)} ms`,
        isMet: pooled(name, 99) <= 5,
      });
    if (claims) {
      const growth = medianRatio(claims.get(sizes[1]!)!, claims.get(sizes[0]!)!);
      targets.push({
        text: `P8 a claim with ${sizes[1]!.toLocaleString("en-US")} waiting at most 1.5 × with ${sizes[0]!.toLocaleString("en-US")}`,
        value: growth.toFixed(2),
        isMet: growth <= 1.5,
      });
    }
    return targets;
  }
}

async function timed(count: number, fn: () => unknown): Promise<Sample> {
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  await fn();
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: (count * 1_000) / wallMs, cpuUs: (user + system) / count };
}

async function addBare(count: number): Promise<Sample> {
  using file = new SqliteFile();
  using bare = new BareSqlite(file.path);
  return timed(count, () => {
    for (let done = 0; done < count; done += batch) bare.transact(() => bare.insert(batch));
  });
}

async function runBare(count: number): Promise<Sample> {
  using file = new SqliteFile();
  using bare = new BareSqlite(file.path);
  for (let done = 0; done < count; done += batch) bare.transact(() => bare.insert(batch));
  return timed(count, () => {
    let claimed: Record<string, unknown>[] = [];
    do claimed = bare.transact(() => bare.work(claimed, batch));
    while (claimed.length > 0);
  });
}

async function withClient<T>(thread: boolean, fn: (broker: Broker, client: Client) => Promise<T>): Promise<T> {
  using file = new SqliteFile();
  await using client = new Client({ broker: sqlite(file.path, { thread }) });
  await client.open();
  return await fn(client.broker, client);
}

function addBatches(count: number, thread = true): Promise<Sample> {
  return withClient(thread, (broker) => timed(count, () => addAll(broker, count)));
}

async function addAll(broker: Broker, count: number): Promise<void> {
  let added = 0;
  const caller = async (): Promise<void> => {
    while (added < count) {
      added += batch;
      await broker.enqueue({ jobs: Array.from({ length: batch }, toJob) });
    }
  };
  await Promise.all(Array.from({ length: 4 }, caller));
}

const backoff = { baseMs: 1_000, factor: 2, maxMs: 60_000, jitter: true };

function toJob(): NewJob {
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

function addOneByOne(count: number, thread = true): Promise<Sample> {
  return withClient(thread, () =>
    timed(count, async () => {
      let added = 0;
      const caller = async (): Promise<void> => {
        while (added++ < count) await noop.enqueue(1);
      };
      await Promise.all(Array.from({ length: callers }, caller));
    }),
  );
}

function runWorker(count: number, thread = true): Promise<Sample> {
  return withClient(thread, async (broker, client) => {
    await addAll(broker, count);
    const worker = new Worker({ broker, concurrency }, client);
    let ran = 0;
    try {
      return await timed(count, async () => {
        const all = new Promise<void>((resolve) => {
          onRun = () => {
            if (++ran === count) resolve();
          };
        });
        await worker.start();
        await all;
        // The last of them count when their endings are stored.
        await worker.close();
      });
    } finally {
      await worker.close();
    }
  });
}

async function measureLatency(isOther: boolean, seconds: number): Promise<number[]> {
  using file = new SqliteFile();
  const { path } = file;
  await using client = new Client({ broker: sqlite(path) });
  await using worker = new Worker({ broker: client.broker, concurrency }, client);
  await worker.start();
  const latencies: number[] = [];
  onRun = (addedAtMs) => latencies.push(sharedNowMs() - addedAtMs);
  if (isOther) {
    const child = fork(adder, [path, "1000", String(seconds)], {
      execArgv: ["--conditions=afterword-source"],
      timeout: (seconds + 20) * 1_000,
    });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new BenchError(`sqlite-adder.ts ended with ${code}.`);
  } else {
    const adding: Promise<unknown>[] = [];
    await pace(1_000, seconds, () => adding.push(noop.enqueue(sharedNowMs())));
    await Promise.all(adding);
  }
  for (const deadline = performance.now() + 5_000; latencies.length < 1_000 * seconds;) {
    if (performance.now() > deadline)
      throw new BenchError(`Only ${latencies.length} of ${1_000 * seconds} jobs were run.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return latencies;
}

/** For each number of waiting jobs, the microseconds of a claim in each round. */
async function measureClaims(sizes: readonly number[], options: BenchOptions): Promise<Map<number, number[]>> {
  const files = new Map(sizes.map((size) => [size, new SqliteFile()]));
  const stores = new Map<number, SqliteStore>();
  try {
    for (const [size, { path }] of files) {
      console.error(`P8: storing ${size} jobs`);
      using bare = new BareSqlite(path, "off");
      for (let done = 0; done < size; done += 1_000) bare.transact(() => bare.insert(1_000));
    }
    for (const [size, { path }] of files) {
      const store = new SqliteStore(toSqliteConfig(path, { thread: false, synchronous: "normal" }));
      await store.open();
      stores.set(size, store);
    }
    const samples = await interleave("P8", sizes.map(String), options, (size) => claimMany(stores.get(Number(size))!));
    return new Map(sizes.map((size) => [size, samples.get(String(size))!]));
  } finally {
    for (const store of stores.values()) await store.close();
    for (const file of files.values()) file[Symbol.dispose]();
  }
}

async function claimMany(store: SqliteStore): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < 300; index++) {
    const startMs = performance.now();
    const { jobs } = await store.claim({
      worker: "w",
      queues: ["default"],
      count: 10,
      leaseMs: 30_000,
      maxDeliveries: 3,
    });
    await store.finish({ endings: jobs.map(({ id, epoch }) => ({ id, epoch, ending: { status: "released" } })) });
    times.push((performance.now() - startMs) * 1_000);
    if (jobs.length !== 10) throw new BenchError(`A claim gave ${jobs.length} jobs.`);
  }
  return median(times);
}
