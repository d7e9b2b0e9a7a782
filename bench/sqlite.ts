// How near does the SQLite broker come to its bare statements, and how soon does a job start?
import { sqlite } from "../src/brokers/sqlite/index.ts";
import { toSqliteConfig } from "../src/brokers/sqlite/options.ts";
import { SqliteStore } from "../src/brokers/sqlite/sqlite-store.ts";
import { claimSizes, measureClaims, toClaimTable, toClaimTarget, type Claims } from "./lib/claims.ts";
import type { Engine } from "./lib/engine.ts";
import { addBatches, addOneByOne, batch, runAll, timed, type WorkSample } from "./lib/engine-work.ts";
import { percentile } from "./lib/latency.ts";
import type { BenchOptions } from "./lib/options.ts";
import type { Answer, Target } from "./lib/question.ts";
import { interleave } from "./lib/rounds.ts";
import { SqliteFile } from "./lib/sqlite-file.ts";
import { measureStartLatency, toLatencyTable, type LatencyWay } from "./lib/start-latency.ts";
import { formatRate, ratioOf, rateOf, toWorkTable, type Way } from "./lib/work-table.ts";
import { BareSqlite } from "./peers/bare-sqlite.ts";
import { BrokerEngine } from "./peers/broker-engine.ts";

const ways: Readonly<Record<string, Way & { readonly go: (count: number) => Promise<WorkSample> }>> = {
  "bare-add": { title: "add: bare statements, batches of 100", base: "bare-add", go: addBare },
  "store-add": { title: "add: the broker, batches of 100, 4 at once", base: "bare-add", go: (n) => add(n) },
  "store-add-loop": { title: "the same, thread: false", base: "bare-add", go: (n) => add(n, false) },
  "task-add": { title: "add: task.enqueue(), 1,000 callers at once", base: "bare-add", go: (n) => addEach(n) },
  "task-add-loop": { title: "the same, thread: false", base: "bare-add", go: (n) => addEach(n, false) },
  "bare-run": { title: "claim and end: bare statements, batches of 100", base: "bare-run", go: runBare },
  "worker-run": { title: "run: Worker, concurrency 200", base: "bare-run", go: (n) => runWorker(n) },
  "worker-run-loop": { title: "the same, thread: false", base: "bare-run", go: (n) => runWorker(n, false) },
};

const latencyWays: Readonly<Record<string, LatencyWay>> = {
  "latency-same": { title: "added in the worker's process", engine: "broker", isOther: false, perSecond: 1_000 },
  "latency-other": { title: "added by another process", engine: "broker", isOther: true, perSecond: 1_000 },
};

export const names: readonly string[] = [...Object.keys(ways), ...Object.keys(latencyWays), "claim"];

export async function run(options: BenchOptions): Promise<Answer> {
  const isPicked = (name: string): boolean => options.only.size === 0 || options.only.has(name);
  const count = options.quick ? 2_000 : 40_000;
  const samples = await interleave("P5", Object.keys(ways).filter(isPicked), options, (name) => ways[name]!.go(count));
  const latencies = await interleave("P5 latency", Object.keys(latencyWays).filter(isPicked), options, (name) =>
    measureLatency(latencyWays[name]!, options.seconds),
  );
  const claims = isPicked("claim") ? await measureFiles(options) : undefined;
  const pooled = (name: string, of100: number): number => percentile(latencies.get(name)!.flat(), of100);
  return {
    tables: [
      toWorkTable("P5: adding and running jobs, one process, synchronous=FULL", ways, samples),
      toLatencyTable("P5: from enqueue() to the start of the function, ms", latencyWays, latencies),
      ...(claims ? [toClaimTable(claims, "synchronous=NORMAL, in the event loop")] : []),
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
      const ratio = ratioOf(samples, name, ways[name]!.base);
      if (ratio === undefined) return;
      const rate = rateOf(samples, name);
      targets.push({
        text: `P5 at least ${formatRate(least)}/s or 0.6 × bare: ${ways[name]!.title}`,
        value: `${formatRate(rate)}/s, ${ratio.toFixed(2)} × bare`,
        isMet: rate >= least || ratio >= 0.6,
      });
    };
    add("store-add", 100_000);
    add("worker-run", 50_000);
    for (const name of latencies.keys())
      targets.push({
        text: `P5 start at most 5 ms after enqueue() at p99: ${latencyWays[name]!.title}`,
        value: `${pooled(name, 99).toFixed(2)} ms`,
        isMet: pooled(name, 99) <= 5,
      });
    return claims ? [...targets, toClaimTarget(claims)] : targets;
  }
}

async function addBare(count: number): Promise<WorkSample> {
  using file = new SqliteFile();
  using bare = new BareSqlite(file.path);
  return await timed(count, () => {
    for (let done = 0; done < count; done += batch) bare.transact(() => bare.insert(batch));
  });
}

async function runBare(count: number): Promise<WorkSample> {
  using file = new SqliteFile();
  using bare = new BareSqlite(file.path);
  for (let done = 0; done < count; done += batch) bare.transact(() => bare.insert(batch));
  return await timed(count, () => {
    let claimed: Record<string, unknown>[] = [];
    do claimed = bare.transact(() => bare.work(claimed, batch));
    while (claimed.length > 0);
  });
}

async function withEngine<T>(thread: boolean, fn: (engine: Engine) => Promise<T>): Promise<T> {
  using file = new SqliteFile();
  await using engine = await BrokerEngine.open(sqlite(file.path, { thread }));
  return await fn(engine);
}

function add(count: number, thread = true): Promise<WorkSample> {
  return withEngine(thread, (engine) => timed(count, () => addBatches(engine, count)));
}

function addEach(count: number, thread = true): Promise<WorkSample> {
  return withEngine(thread, (engine) => timed(count, () => addOneByOne(engine, count)));
}

function runWorker(count: number, thread = true): Promise<WorkSample> {
  return withEngine(thread, (engine) => runAll(engine, count));
}

async function measureLatency(way: LatencyWay, seconds: number): Promise<readonly number[]> {
  using file = new SqliteFile();
  return await measureStartLatency(way, `sqlite:${file.path}`, seconds);
}

async function measureFiles(options: BenchOptions): Promise<Claims> {
  const sizes = claimSizes(options);
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
    return await measureClaims(stores, options);
  } finally {
    for (const store of stores.values()) await store.close();
    for (const file of files.values()) file[Symbol.dispose]();
  }
}
