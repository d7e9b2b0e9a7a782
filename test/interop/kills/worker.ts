import { setTimeout as delay } from "node:timers/promises";
import { currentTask, task, Worker } from "afterword";
import { celery, type CeleryOptions } from "afterword/celery";
import { Redis } from "ioredis";

/** A worker of ours that notes down in Redis what it begins and ends: a task does so after its time. */
const [, , options = "{}", ledgerUrl = "", lease = "2000", slots = "3"] = process.argv;
const ledger = new Redis(ledgerUrl);
const note = (what: string): Promise<unknown> =>
  ledger.rpush(
    "ledger",
    JSON.stringify({ id: currentTask()!.id, what, by: "ours", worker: process.pid, pid: process.pid }),
  );

task("kills.run", { queue: "kills", attempts: 1 }, async (seconds: number) => {
  await note("begun");
  const deadlineMs = performance.now() + seconds * 1_000;
  while ((performance.now() < deadlineMs && !(await ledger.exists("let go"))) || (await ledger.exists("hold")))
    await delay(50);
  await note("ended");
  return "by ours";
});

const worker = new Worker({
  broker: celery(JSON.parse(options) as CeleryOptions),
  queues: ["kills"],
  concurrency: Number(slots),
  lease: Number(lease),
  // Deaths here are the test's, not the jobs'.
  maxDeliveries: 50,
});
await worker.start();
console.log(`started ${process.pid}`);
