// Run by background.ts with --expose-gc: how much heap does a waiting task take?
import { Background } from "../src/background/background.ts";
import { RequestTasks, type TaskOrigin } from "../src/background/request-tasks.ts";
import type { WaitingBytes } from "./background.ts";

const count = 100_000;
const background = new Background({ maxPending: Infinity });

const origin: TaskOrigin = {
  get taskRequest(): never {
    throw new Error("Nobody asks for the request.");
  },
};

function work(_message: string): void {}

function createRequestTasks(): RequestTasks {
  return new RequestTasks(background, origin);
}

function heapUsed(): number {
  for (let times = 0; times < 3; times++) globalThis.gc!();
  return process.memoryUsage().heapUsed;
}

/** Bytes of heap for each of `count` things that `make` makes. */
function bytesOf<T>(make: () => T): number {
  const before = heapUsed();
  const kept = make();
  const bytes = (heapUsed() - before) / count;
  // Used afterwards, so that it is alive until then.
  if (kept === undefined) throw new Error("Nothing was made.");
  return bytes;
}

// Once before, so that code and inline caches are not counted.
createRequestTasks().list.addTask(work, "x");

const result: WaitingBytes = {
  perTask: bytesOf(() => {
    const tasks = createRequestTasks();
    for (let index = 0; index < count; index++) tasks.list.addTask(work, "x");
    return tasks;
  }),
  perRequestWithOne: bytesOf(() =>
    Array.from({ length: count }, () => {
      const tasks = createRequestTasks();
      tasks.list.addTask(work, "x");
      tasks.prepare();
      return tasks;
    }),
  ),
};

process.send!(result);
process.disconnect();
