// `computing.ts <idle | loop | thread> <port>`: a server that answers while it computes.
import { setTimeout as sleep } from "node:timers/promises";
import { isMainThread } from "node:worker_threads";
import { App, memory, task } from "afterword";
import type { ComputingCounts } from "../threads.ts";

/** For 300 ms, whatever the machine. */
function compute(): number {
  let sum = 0;
  for (const endMs = performance.now() + 300; performance.now() < endMs;)
    for (let n = 0; n < 1_000; n++) sum += Math.sqrt(n);
  return sum;
}

const onLoop = task("compute-on-loop", {}, compute);
const inThread = task("compute-in-thread", { thread: import.meta.url }, compute);

// Threads import this file as well, for the tasks.
if (isMainThread) await serve(process.argv[2]!, Number(process.argv[3]));

async function serve(way: string, port: number): Promise<void> {
  const counts: { -readonly [K in keyof ComputingCounts]: ComputingCounts[K] } = { ended: 0, warnings: 0 };
  process.on("warning", (warning) => {
    if ((warning as { readonly code?: string }).code === "AFTERWORD_BLOCKED") counts.warnings++;
  });
  const app = new App({ broker: memory(), worker: { threads: { max: 1 } } });
  app.get("/ping", () => "pong");
  app.get("/counts", () => counts);
  await app.listen({ port });
  if (way === "idle") return;
  const computing = way === "loop" ? onLoop : inThread;
  for (;;) {
    await (await computing.enqueue()).result();
    counts.ended++;
    await sleep(100);
  }
}
