// What does it cost to answer only when the task is safe, and how soon do the jobs of a killed worker run again?
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer, type Target } from "./lib/question.ts";
import { measureRecovery, recoveryNote, toRecoveryTable, toRecoveryTarget, type Victims } from "./lib/recovery.ts";
import { interleave } from "./lib/rounds.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { SqliteFile } from "./lib/sqlite-file.ts";
import { median, medianRatio } from "./lib/statistics.ts";
import { load, wrkVersion } from "./lib/wrk.ts";

interface Sample {
  readonly requestsPerSecond: number;
  readonly cpuPerRequest: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How long the server's event loop stood still. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

const ways: Readonly<Record<string, string>> = {
  memory: "task in the process, lost with it",
  sqlite: "named task, a thread writes",
  "sqlite-worker": "the same, and the process runs them as well",
  "sqlite-loop": "named task, thread: false",
  "sqlite-loop-worker": "the same, and the process runs them as well",
  commit: "one commit for each request, node:sqlite by hand",
};

const victims: Victims = { workers: 1, jobs: 20, leaseMs: 2_000 };
const path = "/send-notification/foo@example.com";

export const names: readonly string[] = [...Object.keys(ways), "recovery"];

export async function run(options: BenchOptions): Promise<Answer> {
  const wrk = wrkVersion();
  const isPicked = (name: string): boolean => options.only.size === 0 || options.only.has(name);
  const samples = await measureServers(Object.keys(ways).filter(isPicked), options);
  const recoveries = isPicked("recovery") ? await measureRecoveries(options.quick ? 1 : options.rounds) : [];
  const of = (name: string, key: keyof Sample): number[] => samples.get(name)!.map((sample) => sample[key]);
  const middle = (name: string, key: keyof Sample, digits = 2): string => median(of(name, key)).toFixed(digits);
  const ratio = (name: string, to: string): number | undefined =>
    samples.has(name) && samples.has(to)
      ? medianRatio(of(name, "requestsPerSecond"), of(to, "requestsPerSecond"))
      : undefined;
  const target = (name: string, to: string, least: number, text: string): Target[] => {
    const value = ratio(name, to);
    return value === undefined ? [] : [{ text: `P4 ${text}`, value: value.toFixed(2), isMet: value >= least }];
  };
  return {
    tables: [
      {
        title: `P4: POST /send-notification/:email, answered when the task is stored, synchronous=FULL`,
        plot: { kind: "bars", of: "requests/s", ours: /^named task/ },
        head: [
          "what",
          "requests/s",
          "× in the process",
          "CPU µs",
          "p50 ms",
          "p99 ms",
          "loop stood still p99 ms",
          "max",
        ],
        rows: [...samples.keys()].map((name) => [
          ways[name]!,
          Math.round(median(of(name, "requestsPerSecond"))).toLocaleString("en-US"),
          ratio(name, "memory")?.toFixed(2) ?? "",
          middle(name, "cpuPerRequest", 1),
          middle(name, "p50Ms"),
          middle(name, "p99Ms"),
          middle(name, "loopP99Ms"),
          middle(name, "loopMaxMs"),
        ]),
      },
      ...(recoveries.length > 0 ? [toRecoveryTable(recoveries, victims)] : []),
    ],
    notes: [
      "The event loop's stillness is what monitorEventLoopDelay() saw, with a resolution of 1 ms. The server checks that as many jobs are stored as requests were answered.",
      recoveryNote,
    ],
    targets: [
      ...target("sqlite", "memory", 0.6, "durable at least 0.6 × the task in the process"),
      ...target("sqlite", "commit", 10, "durable at least 10 × one commit for each request"),
      ...(recoveries.length > 0 ? [toRecoveryTarget(recoveries, victims, 1_000)] : []),
    ],
    skipped: [],
    data: { wrk, victims, samples: Object.fromEntries(samples), recoveries },
  };
}

async function measureServers(picked: readonly string[], options: BenchOptions): Promise<Map<string, Sample[]>> {
  const servers = new Map<string, ServerProcess>();
  const files: SqliteFile[] = [];
  try {
    for (const name of picked) {
      const file = new SqliteFile();
      files.push(file);
      const toCommand = (port: number) => ({
        command: process.execPath,
        args: [
          "--conditions=afterword-source",
          fileURLToPath(new URL("peers/promise.ts", import.meta.url)),
          name,
          String(port),
          file.path,
        ],
      });
      servers.set(name, await ServerProcess.start(name, toCommand, "/counts"));
    }
    return await interleave("P4", picked, options, (name) => measureServer(servers.get(name)!, options));
  } finally {
    for (const server of servers.values()) await server.stop();
    for (const file of files) file[Symbol.dispose]();
  }
}

async function measureServer(server: ServerProcess, { seconds, connections }: BenchOptions): Promise<Sample> {
  const before = await settledCount(server);
  await ask(server, "/delay");
  const cpuBefore = server.cpuTime;
  const seen = await load(server.url + path, seconds, connections);
  const cpu = server.cpuTime - cpuBefore;
  const { p99Ms: loopP99Ms, maxMs: loopMaxMs } = (await ask(server, "/delay")) as { p99Ms: number; maxMs: number };
  const requests = (await settledCount(server)) - before;
  // At the end wrk leaves up to one request of each connection unanswered; the server has served these as well.
  if (requests < seen.requests || requests > seen.requests + connections)
    throw new BenchError(`${server.name} has handled ${requests} requests, but wrk has seen ${seen.requests} answers.`);
  return {
    requestsPerSecond: seen.requests / seen.seconds,
    cpuPerRequest: cpu / requests,
    p50Ms: seen.p50Ms,
    p99Ms: seen.p99Ms,
    loopP99Ms,
    loopMaxMs,
  };
}

async function ask(server: ServerProcess, probe: string): Promise<unknown> {
  server.assertRuns();
  const response = await fetch(server.url + probe, { signal: AbortSignal.timeout(10_000) });
  return await response.json();
}

/** How many requests it has handled, when each of them has its task: none is lost, and none is stored twice. */
async function settledCount(server: ServerProcess): Promise<number> {
  for (const deadline = performance.now() + 20_000; ; await sleep(50)) {
    const { requests, tasks } = (await ask(server, "/counts")) as { requests: number; tasks: number };
    if (tasks === requests) return requests;
    if (performance.now() > deadline)
      throw new BenchError(`${server.name} has ${tasks} tasks for ${requests} requests.`);
  }
}

/** Milliseconds from the kill to the next start, for each job of each round. */
async function measureRecoveries(rounds: number): Promise<number[]> {
  const recoveries: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    console.error(`P9: round ${round} of ${rounds}`);
    using file = new SqliteFile();
    recoveries.push(...(await measureRecovery(`sqlite:${file.path}`, victims)));
  }
  return recoveries;
}
