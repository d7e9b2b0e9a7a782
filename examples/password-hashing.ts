// Work that computes, beside requests that want an answer: people sign up and their passwords are hashed, first on the event loop,
// then in worker threads, while somebody else measures how long another request takes. Needs: npm install piscina@5
//
//   node --conditions=afterword-source examples/password-hashing.ts
import { randomBytes, scryptSync } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";
import { App, BackgroundTasks, currentTask, memory, path, task, type JobHandle } from "afterword";

/** About a tenth of a second of one processor. */
function hash(password: string): string {
  const salt = randomBytes(16);
  const key = scryptSync(password, salt, 64, { N: 2 ** 15, maxmem: 64 * 2 ** 20 });
  return `${salt.toString("hex")}:${key.toString("hex")}`;
}

export const hashOnLoop = task("hash-on-loop", {}, hash);
export const hashInThread = task("hash-in-thread", { thread: import.meta.url }, hash);

/** Asks again and again. A task with a thread of its own, so that it feels nothing but the server. */
export const measure = task("measure", { thread: import.meta.url, attempts: 1 }, async (url: string, ms: number) => {
  const { progress } = currentTask();
  const tookMs: number[] = [];
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const start = performance.now();
    await (await fetch(url)).text();
    tookMs.push(performance.now() - start);
    progress(tookMs.length);
    await setTimeout(5);
  }
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(tookMs[Math.floor((tookMs.length - 1) * share)]! * 10) / 10;
  return { count: tookMs.length, p50: at(0.5), p99: at(0.99), max: at(1) };
});

const app = new App({ broker: memory(), worker: { threads: { max: 3 } } });
app.get("/ping", () => "pong");

let lastHash: JobHandle<string> | undefined;
app.post("/:place/users", { place: path(), tasks: BackgroundTasks }, ({ place, tasks }) => {
  lastHash = tasks.addTask(place === "loop" ? hashOnLoop : hashInThread, "correct horse battery staple");
  return { message: "Welcome" };
});

async function compare(ms: number): Promise<void> {
  await using server = await app.listen({ port: Number(process.env["PORT"] ?? 8000) });
  console.log(`Serving on ${server.url}`);
  for (const place of ["loop", "threads"]) {
    const measuring = await measure.enqueue(`${server.url}/ping`, ms);
    while ((await measuring.info())?.progress === undefined) await setTimeout(10);
    for (const end = performance.now() + ms; performance.now() < end; await lastHash!.done)
      await fetch(`${server.url}/${place}/users`, { method: "POST" });
    const { count, p50, p99, max } = await measuring.result();
    console.log(`hashing on ${place}: ${count} other requests took p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms`);
  }
}

// Threads import this file as well, for the tasks.
if (isMainThread) await compare(Number(process.env["SECONDS"] ?? 5) * 1_000);
