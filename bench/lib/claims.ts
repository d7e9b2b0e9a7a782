import type { Store } from "../../src/brokers/pulled/store.ts";
import type { BenchOptions } from "./options.ts";
import { BenchError, type Target } from "./question.ts";
import { interleave } from "./rounds.ts";
import { median, medianRatio } from "./statistics.ts";
import type { Table } from "./table.ts";

/** Microseconds, as the median of many. */
interface ClaimSample {
  readonly claimUs: number;
  readonly giveBackUs: number;
}

/** What claims took in each round, by how many jobs waited. */
export type Claims = ReadonlyMap<number, readonly ClaimSample[]>;

const claimed = 10;
const claimsInRound = 300;

/** How many jobs wait: few, and very many. */
export function claimSizes({ quick }: BenchOptions): readonly [few: number, many: number] {
  return quick ? [1_000, 20_000] : [1_000, 1_000_000];
}

/** @param stores - open ones, by how many jobs wait in each */
export async function measureClaims(stores: ReadonlyMap<number, Store>, options: BenchOptions): Promise<Claims> {
  const sizes = [...stores.keys()];
  const samples = await interleave("P8", sizes.map(String), options, (size) => claimMany(stores.get(Number(size))!));
  return new Map(sizes.map((size) => [size, samples.get(String(size))!]));
}

async function claimMany(store: Store): Promise<ClaimSample> {
  const claims: number[] = [];
  const givings: number[] = [];
  for (let index = 0; index < claimsInRound; index++) {
    const startMs = performance.now();
    const { jobs } = await store.claim({
      worker: "w",
      queues: ["default"],
      count: claimed,
      leaseMs: 30_000,
      maxDeliveries: 3,
    });
    const claimedMs = performance.now();
    await store.finish({ endings: jobs.map(({ id, epoch }) => ({ id, epoch, ending: { status: "released" } })) });
    claims.push((claimedMs - startMs) * 1_000);
    givings.push((performance.now() - claimedMs) * 1_000);
    if (jobs.length !== claimed) throw new BenchError(`A claim gave ${jobs.length} jobs.`);
  }
  return { claimUs: median(claims), giveBackUs: median(givings) };
}

/** @param how - what the server or the disk has to do with it */
export function toClaimTable(claims: Claims, how: string): Table {
  return {
    title: `P8: a claim of ${claimed} jobs, and giving them back, ${how}`,
    head: ["jobs that wait", "claim µs", "give back µs"],
    rows: [...claims].map(([size, samples]) => [
      size.toLocaleString("en-US"),
      median(samples.map(({ claimUs }) => claimUs)).toFixed(0),
      median(samples.map(({ giveBackUs }) => giveBackUs)).toFixed(0),
    ]),
  };
}

export function toClaimTarget(claims: Claims): Target {
  const [[few, fewSamples], [many, manySamples]] = [...claims] as [[number, ClaimSample[]], [number, ClaimSample[]]];
  const us = ({ claimUs }: ClaimSample): number => claimUs;
  const growth = medianRatio(manySamples.map(us), fewSamples.map(us));
  return {
    text: `P8 a claim with ${many.toLocaleString("en-US")} waiting at most 1.5 × with ${few.toLocaleString("en-US")}`,
    value: growth.toFixed(2),
    isMet: growth <= 1.5,
  };
}
