// What does an adapter add to a request of another framework that uses it, and to one that does not?
import { fileURLToPath } from "node:url";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { PeerProcess } from "./lib/peer-process.ts";
import type { Answer, Target } from "./lib/question.ts";
import { median, middleMean } from "./lib/statistics.ts";

const frameworks = ["node", "express", "fastify", "hono", "koa", "nest", "nest-interceptor"] as const;

/** `bare`: the framework alone. `by hand`: a function on the response's `close`. `idle`: the adapter is there. `used`: it runs a task. */
const ways = ["bare", "by hand", "idle", "used"] as const;

const file = fileURLToPath(new URL("peers/adapters.ts", import.meta.url));
/** After so many all is compiled as it will be: a Hono process goes on to get faster for 80,000. */
const warmUpRequests = 120_000;

/**
 * V8 guesses once, at the start, whether objects that a line makes live long, and makes those at once where only a full collection finds
 * them. Where it guesses wrong, whole requests stay there, and each costs twice as much: in some processes, with an adapter and without.
 */
const withoutGuess = ["--no-allocation-site-pretenuring"];

const maxAddedUs = 2;
/** What cannot be told from nothing, by the spread of a server beside itself. */
const noiseUs = 0.5;

export const names: readonly string[] = frameworks;

/** Microseconds of the server's CPU for a request, round by round. */
type Samples = ReadonlyMap<string, number[]>;

export async function run(options: BenchOptions): Promise<Answer> {
  const picked = frameworks.filter((name) => options.only.size === 0 || options.only.has(name));
  const measured = new Map<string, Samples>();
  const asIs = new Map<string, Samples>();
  for (const framework of picked) {
    measured.set(framework, await measureFramework(framework, options, withoutGuess));
    asIs.set(framework, await measureFramework(framework, options, []));
  }
  return {
    tables: [
      {
        title: "P12: what an adapter adds to a request, CPU",
        head: ["framework", "bare µs", "by hand +µs", "adapter there +µs", "adapter used +µs"],
        rows: [...measured].map(([framework, samples]) => [
          framework,
          median(samples.get("bare")!).toFixed(1),
          ...ways.slice(1).map((way) => added(samples, way).toFixed(1)),
        ]),
      },
      {
        title: "With V8 as it is: µs of a request, from the cheapest to the dearest process",
        head: ["framework", ...ways],
        rows: [...asIs].map(([framework, samples]) => [framework, ...ways.map((way) => spread(samples.get(way)!))]),
      },
    ],
    notes: [
      "Requests come over connections in memory, with all of Node's HTTP but without the kernel, whose time varies by more than what is measured.",
      "nest-interceptor: Nest whose handler has an interceptor that does nothing, since one is what the adapter sees errors by.",
      "In the first table V8 does not guess which objects live long (--no-allocation-site-pretenuring): where it guesses wrong, a request costs twice as much. That happens in some processes and not in others, with an adapter and without, as the second table shows.",
      "CPU is the process's, user and system, of the server and of its client. Added is the median of the differences to the bare framework within each round. Each round has new processes, warmed up, which take ten turns of 10,000 requests; the mean of the middle half of them counts.",
      "Bare has empty middleware where the adapter would be: what a framework's middleware costs by itself is the framework's.",
      "By hand: one function on the response's close event, with nothing around it. Used: the same function with addTask.",
    ],
    targets: [...measured].flatMap(([framework, samples]) => toTargets(framework, samples)),
    skipped: [],
    data: {
      versions: Object.fromEntries(
        ["express", "fastify", "hono", "@hono/node-server", "koa", "@nestjs/core"].map((name) => [
          name,
          installedVersion(name),
        ]),
      ),
      samples: toRecord(measured),
      asIs: toRecord(asIs),
    },
  };
}

/**
 * Each round has new processes, one for each way: how V8 happens to optimize one of them makes more difference than what is
 * measured. They take turns, so that an hour in which all is slow is one for all of them.
 */
async function measureFramework(
  framework: string,
  { rounds, connections, quick }: BenchOptions,
  flags: readonly string[],
): Promise<Samples> {
  const samples: Samples = new Map(ways.map((way) => [way, []]));
  const [requests, turns] = quick ? [500, 1] : [10_000, 10];
  for (let round = 1; round <= rounds; round++) {
    console.error(`${[framework, ...flags].join(" ")}: round ${round} of ${rounds}`);
    const peers = await Promise.all(
      ways.map((way) => PeerProcess.start(file, [framework, way, String(connections)], flags)),
    );
    try {
      if (!quick) for (const peer of peers) await peer.ask(warmUpRequests);
      const costs = ways.map((): number[] => []);
      for (let turn = 0; turn < turns; turn++)
        for (const [index, peer] of peers.entries()) costs[index]!.push(await peer.ask(requests));
      for (const [index, way] of ways.entries()) samples.get(way)!.push(middleMean(costs[index]!));
    } finally {
      for (const peer of peers) peer.stop();
    }
  }
  return samples;
}

function spread(samples: readonly number[]): string {
  return `${Math.min(...samples).toFixed(1)} – ${Math.max(...samples).toFixed(1)}`;
}

function toRecord(measured: ReadonlyMap<string, Samples>): object {
  return Object.fromEntries([...measured].map(([name, samples]) => [name, Object.fromEntries(samples)]));
}

function added(samples: Samples, way: string): number {
  const bare = samples.get("bare")!;
  return median(samples.get(way)!.map((cpu, round) => cpu - bare[round]!));
}

function toTargets(framework: string, samples: Samples): Target[] {
  const [used, idle] = [added(samples, "used"), added(samples, "idle")];
  return [
    {
      text: `P12 ${framework}: at most ${maxAddedUs} µs for a request that uses it`,
      value: `${used.toFixed(1)} µs`,
      isMet: used <= maxAddedUs,
    },
    {
      text: `P12 ${framework}: nothing for one that does not (within ${noiseUs} µs)`,
      value: `${idle.toFixed(1)} µs`,
      isMet: idle <= noiseUs,
    },
  ];
}
