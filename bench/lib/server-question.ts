import type { Store } from "../../src/brokers/pulled/store.ts";
import { openEngine, type EngineName } from "../peers/engines.ts";
import { claimSizes, measureClaims, toClaimTable, toClaimTarget, type Claims } from "./claims.ts";
import { addBatches, addOneByOne, runAll, timed, type WorkSample } from "./engine-work.ts";
import { percentile } from "./latency.ts";
import type { BenchOptions } from "./options.ts";
import type { Answer, Target } from "./question.ts";
import { measureRecovery, recoveryNote, toRecoveryTable, toRecoveryTarget, type Victims } from "./recovery.ts";
import { interleave } from "./rounds.ts";
import { measureStartLatency, toLatencyTable, type LatencyWay } from "./start-latency.ts";
import { toWorkTable, type Way, type WorkSamples } from "./work-table.ts";

/** A server that keeps jobs. */
export interface JobServer {
  /** Its process, where that is known. */
  readonly pid?: number;
  /** Calls `fn` with the URL of an empty database of its own. */
  withDatabase<T>(fn: (url: string) => Promise<T>): Promise<T>;
}

/** What a broker is asked that keeps its jobs in an engine on a server. */
export interface ServerQuestion<S extends JobServer> {
  readonly ways: Readonly<Record<string, ServerWay<S>>>;
  readonly latencyWays: Readonly<Record<string, LatencyWay>>;
  /** The settings of the server that decide what a stored job survives. */
  readonly durability: string;
  readonly notes: readonly string[];
  /** What decides when the jobs of a killed worker run again. */
  readonly recoveryNote?: string;
  /** The store of the broker, for claims without a worker. None where a claim cannot be asked for by itself. */
  toStore?(url: string): Store;
  /** Has the server do now what it does some time after very many jobs were stored. */
  tidy?(url: string): Promise<void>;
  toTargets(samples: WorkSamples): readonly Target[];
}

export interface ServerWay<S extends JobServer> extends Way {
  readonly go: (count: number, url: string, server: S) => Promise<WorkSample>;
}

/** What may be added to a lease until the jobs of a worker that was killed run again. */
const detectionMs = 5_000;

export function namesOf<S extends JobServer>({
  ways,
  latencyWays,
}: Pick<ServerQuestion<S>, "ways" | "latencyWays">): readonly string[] {
  return [...Object.keys(ways), ...Object.keys(latencyWays), "claim", "recovery"];
}

export function addingBatches(name: EngineName): ServerWay<JobServer>["go"] {
  return async (count, url, { pid }) => {
    await using engine = await openEngine(name, url);
    return await timed(count, () => addBatches(engine, count), pid);
  };
}

export function addingOneByOne(name: EngineName): ServerWay<JobServer>["go"] {
  return async (count, url, { pid }) => {
    await using engine = await openEngine(name, url);
    return await timed(count, () => addOneByOne(engine, count), pid);
  };
}

export function running(name: EngineName): ServerWay<JobServer>["go"] {
  return async (count, url, { pid }) => {
    await using engine = await openEngine(name, url);
    return await runAll(engine, count, pid);
  };
}

export async function askServer<S extends JobServer>(
  question: ServerQuestion<S>,
  server: S,
  options: BenchOptions,
): Promise<Omit<Answer, "skipped">> {
  const { ways, latencyWays, durability } = question;
  const isPicked = (name: string): boolean => options.only.size === 0 || options.only.has(name);
  const count = options.quick ? 1_000 : 20_000;
  const samples = await interleave("P6", Object.keys(ways).filter(isPicked), options, (name) =>
    server.withDatabase((url) => ways[name]!.go(count, url, server)),
  );
  const latencies = await interleave("P6 latency", Object.keys(latencyWays).filter(isPicked), options, (name) =>
    server.withDatabase((url) => measureStartLatency(latencyWays[name]!, url, options.seconds)),
  );
  const { toStore } = question;
  const claims =
    toStore && isPicked("claim") ? await measureServerClaims({ ...question, toStore }, server, options) : undefined;
  const victims: Victims = options.quick
    ? { workers: 2, jobs: 10, leaseMs: 3_000 }
    : { workers: 4, jobs: 25, leaseMs: 30_000 };
  const recoveries: number[] = [];
  for (let round = 1; isPicked("recovery") && round <= options.rounds; round++) {
    console.error(`P9: round ${round} of ${options.rounds}`);
    recoveries.push(...(await server.withDatabase((url) => measureRecovery(url, victims))));
  }
  const pooled = (name: string, of100: number): number => percentile(latencies.get(name)!.flat(), of100);
  return {
    tables: [
      ...(samples.size > 0
        ? [toWorkTable(`P6: adding and running jobs that do nothing, ${durability}`, ways, samples)]
        : []),
      ...(latencies.size > 0
        ? [toLatencyTable("P6: from adding a job to the start of its function, ms", latencyWays, latencies)]
        : []),
      ...(claims ? [toClaimTable(claims, durability)] : []),
      ...(recoveries.length > 0 ? [toRecoveryTable(recoveries, victims)] : []),
    ],
    notes: [
      "× bare is the median of the ratios within each round, against the same work of the engine by itself. CPU is that of the process that adds or runs the jobs.",
      ...question.notes,
      question.recoveryNote ?? recoveryNote,
    ],
    targets: [
      ...question.toTargets(samples),
      ...(claims ? [toClaimTarget(claims)] : []),
      ...(recoveries.length > 0 ? [toRecoveryTarget(recoveries, victims, detectionMs)] : []),
    ],
    data: {
      count,
      durability,
      samples: Object.fromEntries(samples),
      latencies: [...latencies.keys()].map((name) => ({ name, p50: pooled(name, 50), p99: pooled(name, 99) })),
      claims: claims && Object.fromEntries(claims),
      victims,
      recoveries,
    },
  };
}

async function measureServerClaims<S extends JobServer>(
  question: Required<Pick<ServerQuestion<S>, "toStore">> & Pick<ServerQuestion<S>, "tidy">,
  server: S,
  options: BenchOptions,
): Promise<Claims> {
  const [few, many] = claimSizes(options);
  return server.withDatabase(async (fewUrl) =>
    server.withDatabase(async (manyUrl) => {
      const stores = new Map<number, Store>();
      try {
        for (const [size, url] of [
          [few, fewUrl],
          [many, manyUrl],
        ] as const) {
          console.error(`P8: storing ${size} jobs`);
          await fill(url, size);
          await question.tidy?.(url);
          const store = question.toStore(url);
          await store.open();
          stores.set(size, store);
        }
        return await measureClaims(stores, options);
      } finally {
        for (const store of stores.values()) await store.close();
      }
    }),
  );
}

/** Stores so many jobs through the broker. */
export async function fill(url: string, count: number): Promise<void> {
  await using engine = await openEngine("broker", url);
  await addBatches(engine, count, 500);
}
