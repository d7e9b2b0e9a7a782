// What does an adapter add to a request of another framework that uses it, and to one that does not?
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { measureAdapterCost } from "./lib/adapter-cost.ts";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer, type Target } from "./lib/question.ts";
import { interleave } from "./lib/rounds.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { median } from "./lib/statistics.ts";
import { load, wrkVersion } from "./lib/wrk.ts";

const frameworks = ["node", "express", "fastify", "hono", "koa", "nest", "nest-interceptor"] as const;

/** `bare`: the framework alone. `by hand`: a function on the response's `close`. `idle`: the adapter is there. `used`: it runs a task. */
const ways = ["bare", "by hand", "idle", "used"] as const;

const maxAddedUs = 2;
/** What cannot be told from nothing, by the spread of a server beside itself. */
const noiseUs = 0.5;

export const names: readonly string[] = frameworks;

/** Microseconds of the server's CPU for a request, round by round. */
type Samples = ReadonlyMap<string, readonly number[]>;

export async function run(options: BenchOptions): Promise<Answer> {
  const wrk = wrkVersion();
  const picked = frameworks.filter((name) => options.only.size === 0 || options.only.has(name));
  const cost = await measureAdapterCost(options.rounds, options.quick ? 20_000 : 200_000);
  const measured = new Map<string, Samples>();
  for (const framework of picked) measured.set(framework, await measureFramework(framework, options));
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
    ],
    notes: [
      `In the process, without HTTP: by hand ${cost.byHandUs.toFixed(2)} µs, with the adapter ${cost.usedUs.toFixed(2)} µs.`,
      "nest-interceptor: Nest whose handler has an interceptor that does nothing, since one is what the adapter sees errors by.",
      "CPU is the server's, user and system. Added is the median of the differences to the bare framework within each round. Each round has new processes, warmed up.",
      "Bare has empty middleware where the adapter would be: what a framework's middleware costs by itself is the framework's.",
      "By hand: one function on the response's close event, with nothing around it. Used: the same function with addTask.",
    ],
    targets: [
      {
        text: `P12 in the process, without HTTP: at most ${maxAddedUs} µs`,
        value: `${cost.usedUs.toFixed(2)} µs`,
        isMet: cost.usedUs <= maxAddedUs,
      },
      ...[...measured].flatMap(([framework, samples]) => toTargets(framework, samples)),
    ],
    skipped: [],
    data: {
      wrk,
      cost,
      versions: Object.fromEntries(
        ["express", "fastify", "hono", "@hono/node-server", "koa", "@nestjs/core"].map((name) => [
          name,
          installedVersion(name),
        ]),
      ),
      samples: Object.fromEntries([...measured].map(([name, samples]) => [name, Object.fromEntries(samples)])),
    },
  };
}

/** Each round has new processes: how V8 happens to optimize one of them makes more difference than what is measured. */
function measureFramework(framework: string, options: BenchOptions): Promise<Samples> {
  return interleave(framework, ways, { ...options, warmUps: 0 }, async (way) => {
    const server = await start(framework, way);
    try {
      if (options.warmUps > 0) await measure(server, way, options);
      return await measure(server, way, options);
    } finally {
      await server.stop();
    }
  });
}

function start(framework: string, way: string): Promise<ServerProcess> {
  const file = fileURLToPath(new URL("peers/adapters.ts", import.meta.url));
  return ServerProcess.start(
    `${framework}, ${way}`,
    (port) => ({
      command: process.execPath,
      args: ["--conditions=afterword-source", file, framework, way, String(port)],
    }),
    "/counts",
  );
}

async function measure(server: ServerProcess, way: string, { seconds, connections }: BenchOptions): Promise<number> {
  const before = await settled(server, way);
  const cpuBefore = server.cpuTime;
  const seen = await load(`${server.url}/`, seconds, connections);
  const after = await settled(server, way);
  const requests = after - before;
  // At the end wrk leaves up to one request of each connection unanswered; the server has served these as well.
  if (requests < seen.requests || requests > seen.requests + connections)
    throw new BenchError(`${server.name} has handled ${requests} requests, but wrk has seen ${seen.requests} answers.`);
  return (server.cpuTime - cpuBefore) / requests;
}

/** How many requests it has handled, when as many tasks have run as must. */
async function settled(server: ServerProcess, way: string): Promise<number> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    server.assertRuns();
    const response = await fetch(`${server.url}/counts`, { signal: AbortSignal.timeout(5_000) });
    const { requests, tasks } = (await response.json()) as { requests: number; tasks: number };
    const expected = way === "used" || way === "by hand" ? requests : 0;
    if (tasks === expected) return requests;
    if (tasks > expected || performance.now() > deadline)
      throw new BenchError(`${server.name} has run ${tasks} tasks, where ${expected} are expected.`);
    await sleep(20);
  }
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
