// What does a background task cost over awaiting its function, and how much memory while it waits?
import { fork } from "node:child_process";
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Background } from "../src/background/background.ts";
import { RequestTasks, type TaskOrigin } from "../src/background/request-tasks.ts";
import type { BenchOptions } from "./lib/options.ts";
import { BenchError, type Answer } from "./lib/question.ts";
import { interleave } from "./lib/rounds.ts";
import { median } from "./lib/statistics.ts";

interface Sample {
  readonly cpuNs: number;
  readonly wallNs: number;
}

interface Way {
  readonly name: string;
  readonly title: string;
  /** The ways to take off: what awaiting the function itself costs, and what the event loop's turn does. */
  readonly over: readonly string[];
  /** Does it `count` times. */
  go(count: number): Promise<void>;
}

/** What the memory of waiting tasks is, measured by background-memory.ts. */
export interface WaitingBytes {
  readonly perTask: number;
  readonly perRequestWithOne: number;
}

let calls = 0;

function work(_message: string): void {
  calls++;
}

async function asyncWork(_message: string): Promise<void> {
  calls++;
}

const background = new Background({ maxPending: Infinity });

const origin: TaskOrigin = {
  get taskRequest(): never {
    throw new Error("Nobody asks for the request.");
  },
};

const ways: readonly Way[] = [
  {
    name: "await-sync",
    title: "await a function",
    over: [],
    async go(count) {
      for (let index = 0; index < count; index++) await work("x");
    },
  },
  {
    name: "await-async",
    title: "await an async function",
    over: [],
    async go(count) {
      for (let index = 0; index < count; index++) await asyncWork("x");
    },
  },
  {
    name: "turn",
    title: "a turn of the event loop (setImmediate)",
    over: [],
    async go(count) {
      for (let index = 0; index < count; index++, calls++) await new Promise((resolve) => setImmediate(resolve));
    },
  },
  way("sync-1", "function, 1 task per request, 50 requests at once", work, 1, 50),
  way("async-1", "async function, 1 task per request, 50 requests at once", asyncWork, 1, 50),
  way("sync-100", "function, 100 tasks per request, 50 requests at once", work, 100, 50),
  way("async-100", "async function, 100 tasks per request, 50 requests at once", asyncWork, 100, 50),
  way("sync-alone", "function, 5,000 tasks of one request, no other", work, 5_000, 1),
  way("async-alone", "async function, 5,000 tasks of one request, no other", asyncWork, 5_000, 1),
];

export const names: readonly string[] = ways.map(({ name }) => name);

/** So many calls make one sample. */
const callsPerSample = 200_000;

export async function run(options: BenchOptions): Promise<Answer> {
  const picked = ways.filter(
    ({ name, over }) => options.only.size === 0 || over.length === 0 || options.only.has(name),
  );
  const samples = await interleave(
    "P3",
    picked.map(({ name }) => name),
    options,
    (name) =>
      measure(
        picked.find((way) => way.name === name)!,
        options.quick ? callsPerSample / 10 : callsPerSample,
      ),
  );
  const bytes = await waitingBytes();
  const cpu = (name: string): number => median(samples.get(name)!.map(({ cpuNs }) => cpuNs));
  const overBase = ({ name, over }: Way): number => over.reduce((rest, base) => rest - cpu(base), cpu(name));
  return {
    tables: [
      {
        title: "P3: add a background task and run it, against awaiting its function",
        head: ["what", "CPU ns/task", "over base", "wall ns/task"],
        rows: picked.map((way) => [
          way.title,
          cpu(way.name).toFixed(0),
          way.over.length === 0 ? "" : overBase(way).toFixed(0),
          median(samples.get(way.name)!.map(({ wallNs }) => wallNs)).toFixed(0),
        ]),
      },
      {
        title: "P3: heap while tasks wait, each with one argument",
        head: ["what", "bytes"],
        rows: [
          ["a task in a list of 100,000", bytes.perTask.toFixed(0)],
          ["a request with one task", bytes.perRequestWithOne.toFixed(0)],
        ],
      },
    ],
    notes: [
      "Base: awaiting the function; for tasks that are alone, also the turn that the event loop has between two tasks of one request. Requests that run at the same time share their turns.",
      "What makes and ends the list of each request is in its tasks.",
    ],
    targets: [
      ...picked
        .filter(({ over }) => over.length > 0)
        .map((way) => ({
          text: `P3 at most 1,000 ns over base: ${way.title}`,
          value: `${overBase(way).toFixed(0)} ns`,
          isMet: overBase(way) <= 1_000,
        })),
      { text: "P3 at most 250 bytes per waiting task", value: bytes.perTask.toFixed(0), isMet: bytes.perTask <= 250 },
    ],
    skipped: [],
    data: { callsPerSample, bytes, samples: Object.fromEntries(samples) },
  };
}

/** Requests come in groups that end together, each with its tasks, as they do after their responses. */
function way(
  name: string,
  title: string,
  fn: (message: string) => unknown,
  tasksPerRequest: number,
  requestsAtOnce: number,
): Way {
  return {
    name,
    title,
    // With others the turn between two tasks is shared, and hardly costs anything.
    over: [fn === work ? "await-sync" : "await-async", ...(requestsAtOnce === 1 ? ["turn"] : [])],
    async go(count) {
      for (let done = 0; done < count; done += tasksPerRequest * requestsAtOnce) {
        for (let index = 0; index < requestsAtOnce; index++) {
          const tasks = new RequestTasks(background, origin);
          for (let task = 0; task < tasksPerRequest; task++) tasks.list.addTask(fn, "x");
          tasks.prepare();
          tasks.end();
        }
        await background.idle();
        // A server's next requests come from the event loop.
        await nextTurn();
      }
    },
  };
}

async function measure({ name, go }: Way, count: number): Promise<Sample> {
  const callsBefore = calls;
  const cpuBefore = process.cpuUsage();
  const wallBefore = performance.now();
  await go(count);
  const wallMs = performance.now() - wallBefore;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (calls - callsBefore !== count)
    throw new BenchError(`${name} called its function ${calls - callsBefore} times instead of ${count} times.`);
  return { cpuNs: ((user + system) * 1_000) / count, wallNs: (wallMs * 1_000_000) / count };
}

/** In a process of its own, where nothing else allocates. */
async function waitingBytes(): Promise<WaitingBytes> {
  const child = fork(fileURLToPath(new URL("background-memory.ts", import.meta.url)), {
    execArgv: ["--expose-gc"],
    timeout: 60_000,
  });
  const [message] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new BenchError("background-memory.ts ended without an answer.");
    }),
  ])) as [WaitingBytes];
  return message;
}
