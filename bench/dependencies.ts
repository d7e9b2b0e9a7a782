// Does a request cost more the deeper its dependencies are, and is that in proportion?
import { setImmediate as nextTurn } from "node:timers/promises";
import { App, BackgroundTasks, dependency, query, type Dependency } from "afterword";
import * as z from "zod";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer } from "./lib/question.ts";
import { interleave } from "./lib/rounds.ts";
import { median, medianRatio } from "./lib/statistics.ts";

const depths = [1, 2, 5, 10, 20, 50];
const shapes = ["chain", "async chain", "diamond"] as const;
type Shape = (typeof shapes)[number];

/** So many times what a request with one dependency costs may one with fifty cost. */
const maxRatio = 1.5;

export const names: readonly string[] = shapes;

export async function run(options: BenchOptions): Promise<Answer> {
  const picked = shapes.filter((shape) => options.only.size === 0 || options.only.has(shape));
  const count = options.quick ? 1_000 : 40_000;
  const apps = new Map(
    picked.flatMap((shape) => depths.map((depth) => [`${shape}/${depth}`, createApp(shape, depth)])),
  );
  const samples = await interleave("P8, dependencies", [...apps.keys()], options, (key) =>
    measure(apps.get(key)!, Number(key.split("/")[1]), count),
  );
  const cost = (shape: Shape, depth: number): number => median(samples.get(`${shape}/${depth}`)!);
  return {
    tables: [
      {
        title: "P8: a request whose dependencies depend on each other, one task added by the last",
        plot: { kind: "lines", of: "CPU µs/request", over: "dependencies", by: "graph", ours: /./ },
        head: ["graph", "dependencies", "CPU µs/request", "× 1 dependency"],
        rows: picked.flatMap((shape) =>
          depths.map((depth) => [
            shape,
            String(depth),
            cost(shape, depth).toFixed(2),
            medianRatio(samples.get(`${shape}/${depth}`)!, samples.get(`${shape}/1`)!).toFixed(2),
          ]),
        ),
      },
    ],
    notes: [
      "In one process, without a socket: app.fetch() of a request, its answer read, its task run. A chain: each dependency takes the value of the one before it. A diamond: each takes those of the two before it, so that without sharing its size would be that of a Fibonacci number.",
    ],
    targets: picked.map((shape) => {
      const ratio = medianRatio(samples.get(`${shape}/50`)!, samples.get(`${shape}/1`)!);
      return {
        text: `P8 a request with 50 dependencies costs at most ${maxRatio} × one with 1: ${shape}`,
        value: ratio.toFixed(2),
        isMet: ratio <= maxRatio,
      };
    }),
    skipped: [],
    data: { requestsPerSample: count, samples: Object.fromEntries(samples) },
  };
}

interface Measured {
  readonly app: App;
  readonly ran: { tasks: number; value: number };
}

function createApp(shape: Shape, depth: number): Measured {
  const app = new App();
  const ran = { tasks: 0, value: 0 };
  const solved: Dependency<number>[] = [dependency({ n: query(z.coerce.number()) }, ({ n }) => n)];
  while (solved.length < depth) {
    const [before, last] = [solved.at(-2) ?? solved.at(-1)!, solved.at(-1)!];
    solved.push(
      shape === "chain"
        ? dependency({ last }, ({ last }) => last + 1)
        : shape === "async chain"
          ? dependency({ last }, async ({ last }) => last + 1)
          : dependency({ last, before }, ({ last, before }) => Math.max(last, before) + 1),
    );
  }
  app.get("/", { value: solved.at(-1)!, tasks: BackgroundTasks }, ({ value, tasks }) => {
    ran.value = value;
    tasks.addTask(() => ran.tasks++);
    return { value };
  });
  return { app, ran };
}

/** @returns microseconds of CPU for a request */
async function measure({ app, ran }: Measured, depth: number, count: number): Promise<number> {
  const tasksBefore = ran.tasks;
  const { user, system } = process.cpuUsage();
  for (let index = 0; index < count; index++) {
    const response = await app.fetch(new Request("http://127.0.0.1/?n=1"));
    await response.arrayBuffer();
    // A server's next requests come from the event loop; without its turns tasks would wait in vain.
    if (index % 50 === 49) await nextTurn();
  }
  await app.background.idle();
  const spent = process.cpuUsage({ user, system });
  if (ran.tasks - tasksBefore !== count || ran.value !== depth)
    throw new BenchError(`${ran.tasks - tasksBefore} of ${count} tasks ran, with the value ${ran.value} of ${depth}.`);
  return (spent.user + spent.system) / count;
}
