// What does an endpoint with background tasks cost, beside other servers that do the same?
import { setTimeout as sleep } from "node:timers/promises";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer, type Target } from "./lib/question.ts";
import { interleave } from "./lib/rounds.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { median, medianRatio } from "./lib/statistics.ts";
import type { Table } from "./lib/table.ts";
import { load, wrkVersion } from "./lib/wrk.ts";
import { findPeers, peerNames, type Part, type Peer } from "./peers/peers.ts";

interface Sample {
  /** Microseconds of the server's CPU. */
  readonly cpuPerRequest: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

type Samples = ReadonlyMap<string, readonly Sample[]>;

interface Counts {
  readonly requests: number;
  readonly tasks: number;
}

const parts: readonly { name: Part; title: string; path: string; tasksPerRequest: number }[] = [
  {
    name: "p1",
    title: "P1: POST /send-notification/:email, path parameter validated, one background task",
    path: "/send-notification/foo@example.com",
    tasksPerRequest: 1,
  },
  {
    name: "p2",
    title: "P2: tutorial 002: a dependency with a query parameter, two background tasks",
    path: "/send-notification/foo@example.com?q=some-query",
    tasksPerRequest: 2,
  },
];

const notes = [
  "CPU is the server's, user and system, with all its threads; × bare is the median of the ratios within each round.",
  "All check the e-mail with the regular expression of z.email() (bare, Hono, Express, h3, Nest: one test() by hand; Fastify: JSON schema; FastAPI: Path(regex=…); Afterword: z.email()), answer the same JSON, and run their tasks after it: on the response's close event, FastAPI in BackgroundTasks, all async def.",
];

export const names: readonly string[] = [...parts.map(({ name }) => name), ...peerNames];

export async function run(options: BenchOptions): Promise<Answer> {
  const wrk = wrkVersion();
  const peers = findPeers().filter(({ name }) => isPicked(name, peerNames, options));
  const installed = peers.filter(({ versions }) => versions !== undefined);
  const measured = new Map<Part, Samples>();
  for (const part of parts)
    if (
      isPicked(
        part.name,
        parts.map(({ name }) => name),
        options,
      )
    )
      measured.set(part.name, await measurePart(part, installed, options));
  return {
    tables: parts.flatMap(({ name, title }) => (measured.has(name) ? [toTable(title, measured.get(name)!)] : [])),
    notes,
    targets: toTargets(measured),
    skipped: peers
      .filter(({ versions }) => versions === undefined)
      .map(({ name, install }) => `${name} is not installed: ${install}`),
    data: {
      wrk,
      peers: Object.fromEntries(installed.map(({ name, versions }) => [name, versions])),
      samples: Object.fromEntries([...measured].map(([name, samples]) => [name, Object.fromEntries(samples)])),
    },
  };
}

/** Of some names all count, unless `--only` has one of them. */
function isPicked(name: string, among: readonly string[], { only }: BenchOptions): boolean {
  return only.has(name) || !among.some((other) => only.has(other));
}

async function measurePart(
  { name: part, path, tasksPerRequest }: (typeof parts)[number],
  peers: readonly Peer[],
  options: BenchOptions,
): Promise<Samples> {
  const servers = new Map<string, ServerProcess>();
  try {
    for (const peer of peers) {
      const server = await ServerProcess.start(peer.name, (port) => peer.toCommand(part, port), "/counts");
      servers.set(peer.name, server);
      await verify(server, path);
    }
    return await interleave(part.toUpperCase(), [...servers.keys()], options, (name) =>
      measureServer(servers.get(name)!, path, tasksPerRequest, options),
    );
  } finally {
    for (const server of servers.values()) await server.stop();
  }
}

/** Whether it answers what it must, and refuses what is no e-mail address. */
async function verify({ name, url }: ServerProcess, path: string): Promise<void> {
  const good = await fetch(url + path, { method: "POST" });
  const body = await good.text();
  const type = good.headers.get("content-type");
  if (good.status !== 200 || !type?.startsWith("application/json") || body !== '{"message":"Message sent"}')
    throw new BenchError(`${name} answers POST ${path} with ${good.status}, ${type}: ${body}`);
  const bad = await fetch(url + path.replace("@", ""), { method: "POST" });
  await bad.arrayBuffer();
  if (bad.status !== 422 && bad.status !== 400)
    throw new BenchError(`${name} answers ${bad.status} to what is no e-mail address, where 422 or 400 is expected.`);
}

async function measureServer(
  server: ServerProcess,
  path: string,
  tasksPerRequest: number,
  { seconds, connections }: BenchOptions,
): Promise<Sample> {
  const before = await settledCounts(server, tasksPerRequest);
  const cpuBefore = server.cpuTime;
  const seen = await load(server.url + path, seconds, connections);
  const after = await settledCounts(server, tasksPerRequest);
  const cpu = server.cpuTime - cpuBefore;
  const requests = after.requests - before.requests;
  // At the end wrk leaves up to one request of each connection unanswered; the server has served these as well.
  if (requests < seen.requests || requests > seen.requests + connections)
    throw new BenchError(`${server.name} has handled ${requests} requests, but wrk has seen ${seen.requests} answers.`);
  return {
    cpuPerRequest: cpu / requests,
    requestsPerSecond: seen.requests / seen.seconds,
    p50Ms: seen.p50Ms,
    p99Ms: seen.p99Ms,
  };
}

/** How much it has done, when all of it is done: no task may be lost, and none run twice. */
async function settledCounts(server: ServerProcess, tasksPerRequest: number): Promise<Counts> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    server.assertRuns();
    const response = await fetch(`${server.url}/counts`, { signal: AbortSignal.timeout(5_000) });
    const counts = (await response.json()) as Counts;
    const expected = counts.requests * tasksPerRequest;
    if (counts.tasks === expected) return counts;
    if (counts.tasks > expected || performance.now() > deadline)
      throw new BenchError(
        `${server.name} has run ${counts.tasks} tasks for ${counts.requests} requests, where ${expected} are expected.`,
      );
    await sleep(20);
  }
}

function toTable(title: string, samples: Samples): Table {
  const bare = samples.get("bare");
  return {
    title,
    plot: { kind: "bars", of: "CPU µs/request", ours: /^afterword/ },
    head: ["server", "CPU µs/request", "× bare", "requests/s", "× bare", "p99 ms"],
    rows: [...samples].map(([name, own]) => [
      name,
      median(cpuOf(own)).toFixed(1),
      bare ? medianRatio(cpuOf(own), cpuOf(bare)).toFixed(2) : "",
      Math.round(median(throughputOf(own))).toLocaleString("en-US"),
      bare ? medianRatio(throughputOf(own), throughputOf(bare)).toFixed(2) : "",
      median(own.map(({ p99Ms }) => p99Ms)).toFixed(2),
    ]),
  };
}

function toTargets(measured: ReadonlyMap<Part, Samples>): Target[] {
  const target = (part: Part, text: string, to: string, max: number): Target[] => {
    const ours = measured.get(part)?.get("afterword");
    const theirs = measured.get(part)?.get(to);
    if (!ours || !theirs) return [];
    const ratio = medianRatio(cpuOf(ours), cpuOf(theirs));
    return [{ text: `${part.toUpperCase()} CPU ${text}`, value: ratio.toFixed(2), isMet: ratio <= max }];
  };
  return [
    ...target("p1", "at most 1.35 × bare node:http", "bare", 1.35),
    ...target("p1", "below Fastify", "fastify", 1),
    ...target("p1", "below Express", "express", 1),
    ...target("p1", "below h3", "h3", 1),
    ...target("p1", "below Nest on Fastify", "nest", 1),
    ...target("p1", "at most half of FastAPI", "fastapi", 0.5),
    ...target("p2", "at most 1.6 × bare node:http", "bare", 1.6),
  ];
}

function cpuOf(samples: readonly Sample[]): number[] {
  return samples.map(({ cpuPerRequest }) => cpuPerRequest);
}

function throughputOf(samples: readonly Sample[]): number[] {
  return samples.map(({ requestsPerSecond }) => requestsPerSecond);
}
