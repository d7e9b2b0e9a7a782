// Does a request cost more where an app has more routes, and what do routes cost before the first request and in memory?
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { installedVersion } from "./lib/machine.ts";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer, type Target } from "./lib/question.ts";
import { interleave } from "./lib/rounds.ts";
import { pathAt, type Position } from "./lib/route-table.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { median, medianRatio } from "./lib/statistics.ts";
import type { Table } from "./lib/table.ts";
import { load, wrkVersion } from "./lib/wrk.ts";
import type { Definition } from "./peers/define-routes.ts";

interface Sample {
  /** Microseconds of the server's CPU. */
  readonly cpuPerRequest: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Peer {
  readonly title: string;
  readonly framework: string;
  readonly kind: "distinct" | "overlapping";
}

const peers: Readonly<Record<string, Peer>> = {
  afterword: { title: "Afterword", framework: "afterword", kind: "distinct" },
  "afterword-overlap": { title: "Afterword, overlapping", framework: "afterword", kind: "overlapping" },
  hono: { title: "Hono", framework: "hono", kind: "distinct" },
  fastify: { title: "Fastify", framework: "fastify", kind: "distinct" },
};

const positions: readonly Position[] = ["beginning", "middle", "end", "nowhere"];
const [fewest, most] = [10, 5_000];
const maxRatio = 1.1;

export const names: readonly string[] = [...Object.keys(peers), ...positions];

export async function run(options: BenchOptions): Promise<Answer> {
  const wrk = wrkVersion();
  const picked = pick(Object.keys(peers), options);
  const pickedPositions = options.quick ? (["end", "nowhere"] as const) : pick(positions, options);
  const sizes = options.quick ? [fewest, most] : [fewest, 100, 1_000, most];
  const samples = await measureRequests(picked, pickedPositions, sizes, options);
  const definitions = await interleave(
    "P8, definition",
    picked.flatMap((name) => sizes.map((size) => toKey(name, size))),
    options,
    measureDefinition,
  );
  return {
    tables: [
      ...pickedPositions.map((position) => toRequestTable(position, picked, sizes, samples)),
      toDefinitionTable(picked, sizes, definitions),
    ],
    notes: [
      "The endpoint is P1's, POST with a validated path parameter and one background task, in a table of ten routes for each prefix: 3 static, 5 with one parameter, 2 with two, in 5 methods. Nowhere: the path of no route. × 10 routes is the median of the ratios within each round.",
      "Overlapping: each prefix has a static route beside one with a parameter, as /users/me and /users/:id; otherwise no two routes could match the same request.",
      "Definition is measured in a process of its own, in which a small app of the same framework has answered before: to define the routes, to open and listen, to answer the first and the second request, to build the OpenAPI document. Heap is what the app keeps after that, without the document.",
    ],
    targets: toTargets(samples, picked, pickedPositions),
    skipped: [],
    data: {
      wrk,
      versions: Object.fromEntries(
        ["hono", "@hono/node-server", "fastify", "zod"].map((name) => [name, installedVersion(name)]),
      ),
      samples: Object.fromEntries(samples),
      definitions: Object.fromEntries(definitions),
    },
  };
}

/** Of some names all count, unless `--only` has one of them. */
function pick<N extends string>(among: readonly N[], { only }: BenchOptions): readonly N[] {
  return among.some((name) => only.has(name)) ? among.filter((name) => only.has(name)) : among;
}

function toKey(...parts: readonly (string | number)[]): string {
  return parts.join("/");
}

type Samples = ReadonlyMap<string, readonly Sample[]>;

/**
 * Each round has new processes: how V8 happens to optimize one of them makes a tenth of difference, which stays as long as it
 * lives.
 */
async function measureRequests(
  picked: readonly string[],
  positions: readonly Position[],
  sizes: readonly number[],
  options: BenchOptions,
): Promise<Samples> {
  const rounds = await interleave("P8", picked, { ...options, warmUps: 0 }, (name) =>
    measurePeer(peers[name]!, positions, sizes, options),
  );
  return new Map(
    picked.flatMap((name) =>
      [...rounds.get(name)![0]!.keys()].map((key) => [
        toKey(name, key),
        rounds.get(name)!.map((samples) => samples.get(key)!),
      ]),
    ),
  );
}

/** @returns a sample for each size and position. Those of one position follow each other, since they are what is compared */
async function measurePeer(
  peer: Peer,
  positions: readonly Position[],
  sizes: readonly number[],
  options: BenchOptions,
): Promise<Map<string, Sample>> {
  const servers = new Map<number, ServerProcess>();
  const samples = new Map<string, Sample>();
  try {
    for (const size of sizes) {
      const server = await startServer(peer, size);
      servers.set(size, server);
      for (const position of positions) await verify(server, position, size);
      if (options.warmUps > 0)
        for (const position of ["end", "nowhere"] as const) await measureServer(server, position, size, options);
    }
    for (const position of positions)
      for (const [size, server] of servers)
        samples.set(toKey(size, position), await measureServer(server, position, size, options));
    return samples;
  } finally {
    for (const server of servers.values()) await server.stop();
  }
}

function startServer({ title, framework, kind }: Peer, size: number): Promise<ServerProcess> {
  const file = fileURLToPath(new URL("peers/routes.ts", import.meta.url));
  const toCommand = (port: number) => ({
    command: process.execPath,
    args: ["--conditions=afterword-source", file, framework, String(port), String(size), kind],
  });
  return ServerProcess.start(`${title}, ${size} routes`, toCommand, "/counts");
}

/** Whether it answers what it must. */
async function verify({ name, url }: ServerProcess, position: Position, size: number): Promise<void> {
  const path = pathAt(position, size);
  const response = await fetch(url + path, { method: "POST" });
  const body = await response.text();
  const isRight =
    position === "nowhere" ? response.status === 404 : response.status === 200 && body === '{"message":"Message sent"}';
  if (!isRight) throw new BenchError(`${name} answers POST ${path} with ${response.status}: ${body}`);
}

async function measureServer(
  server: ServerProcess,
  position: Position,
  size: number,
  { seconds, connections }: BenchOptions,
): Promise<Sample> {
  const before = await settledCount(server);
  const cpuBefore = server.cpuTime;
  const seen = await load(server.url + pathAt(position, size), seconds, connections, position === "nowhere");
  const requests = (await settledCount(server)) - before;
  const cpu = server.cpuTime - cpuBefore;
  // At the end wrk leaves up to one request of each connection unanswered; the server has served these as well.
  if (position !== "nowhere" && (requests < seen.requests || requests > seen.requests + connections))
    throw new BenchError(`${server.name} has handled ${requests} requests, but wrk has seen ${seen.requests} answers.`);
  return {
    cpuPerRequest: cpu / (position === "nowhere" ? seen.requests : requests),
    requestsPerSecond: seen.requests / seen.seconds,
    p50Ms: seen.p50Ms,
    p99Ms: seen.p99Ms,
  };
}

/** How many requests of the asked routes it has handled, when each has run its task. */
async function settledCount(server: ServerProcess): Promise<number> {
  for (const deadline = performance.now() + 5_000; ; await sleep(20)) {
    server.assertRuns();
    const response = await fetch(`${server.url}/counts`, { signal: AbortSignal.timeout(5_000) });
    const { requests, tasks } = (await response.json()) as { requests: number; tasks: number };
    if (tasks === requests) return requests;
    if (performance.now() > deadline)
      throw new BenchError(`${server.name} has run ${tasks} tasks for ${requests} requests.`);
  }
}

/** In a process of its own, where nothing else allocates. */
async function measureDefinition(key: string): Promise<Definition> {
  const [name, size] = key.split("/") as [string, string];
  const { framework, kind } = peers[name]!;
  const file = fileURLToPath(new URL("peers/define-routes.ts", import.meta.url));
  const child = fork(file, [framework, size, kind], {
    execArgv: ["--conditions=afterword-source", "--expose-gc"],
    timeout: 60_000,
  });
  const [message] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new BenchError(`define-routes.ts ended without an answer for ${key}.`);
    }),
  ])) as [Definition];
  return message;
}

function toRequestTable(
  position: Position,
  picked: readonly string[],
  sizes: readonly number[],
  samples: Samples,
): Table {
  return {
    title:
      position === "nowhere"
        ? "P8: a request that no route matches, answered with 404"
        : `P8: an endpoint at the ${position} of the table`,
    plot: { kind: "lines", of: "CPU µs/request", over: "routes", by: "server", ours: /^Afterword/ },
    head: ["server", "routes", "CPU µs/request", "× 10 routes", "requests/s", "p50 ms", "p99 ms"],
    rows: picked.flatMap((name) =>
      sizes.map((size) => {
        const own = samples.get(toKey(name, size, position))!;
        return [
          peers[name]!.title,
          size.toLocaleString("en-US"),
          median(cpuOf(own)).toFixed(1),
          ratioOf(samples, name, position, size).toFixed(2),
          Math.round(median(own.map(({ requestsPerSecond }) => requestsPerSecond))).toLocaleString("en-US"),
          median(own.map(({ p50Ms }) => p50Ms)).toFixed(2),
          median(own.map(({ p99Ms }) => p99Ms)).toFixed(2),
        ];
      }),
    ),
  };
}

function toDefinitionTable(
  picked: readonly string[],
  sizes: readonly number[],
  definitions: ReadonlyMap<string, readonly Definition[]>,
): Table {
  return {
    title: "P8: what routes cost before the first request is answered, and what they keep",
    head: ["server", "routes", "define ms", "listen ms", "1st answer ms", "2nd", "OpenAPI ms", "heap bytes/route"],
    rows: picked.flatMap((name) =>
      sizes.map((size) => {
        const own = definitions.get(toKey(name, size))!;
        const middle = (of: (definition: Definition) => number): string => median(own.map(of)).toFixed(1);
        return [
          peers[name]!.title,
          size.toLocaleString("en-US"),
          middle(({ defineMs }) => defineMs),
          middle(({ listenMs }) => listenMs),
          middle(({ firstAnswerMs }) => firstAnswerMs),
          middle(({ secondAnswerMs }) => secondAnswerMs),
          own[0]!.describeMs === undefined ? "" : middle(({ describeMs }) => describeMs!),
          // In a small app what it is made of outweighs its routes.
          size < 1_000 ? "" : Math.round(median(own.map(({ heapBytes }) => heapBytes / size))).toLocaleString("en-US"),
        ];
      }),
    ),
  };
}

function toTargets(samples: Samples, picked: readonly string[], positions: readonly Position[]): Target[] {
  return picked
    .filter((name) => peers[name]!.framework === "afterword")
    .flatMap((name) =>
      positions.map((position) => {
        const ratio = ratioOf(samples, name, position, most);
        return {
          text: `P8 ${most.toLocaleString("en-US")} routes at most ${maxRatio} × ${fewest}: ${peers[name]!.title}, ${position}`,
          value: ratio.toFixed(2),
          isMet: ratio <= maxRatio,
        };
      }),
    );
}

function ratioOf(samples: Samples, name: string, position: Position, size: number): number {
  const cpu = (of: number): number[] => cpuOf(samples.get(toKey(name, of, position))!);
  return medianRatio(cpu(size), cpu(fewest));
}

function cpuOf(samples: readonly Sample[]): number[] {
  return samples.map(({ cpuPerRequest }) => cpuPerRequest);
}
