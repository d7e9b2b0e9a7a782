import { currentTask, exponential, task, Worker } from "afterword";
import { celery, type CeleryOptions } from "afterword/celery";

/** A worker of the queue `poison`, whose lease is short: what it forgets comes back soon. */
const [, , url, options = "{}"] = process.argv;

task("poison.count", { queue: "poison", attempts: 1 }, (...args: unknown[]) => args.length);
task("poison.echo", { queue: "poison", attempts: 1 }, (...args: unknown[]) => args);
task("poison.again", { queue: "poison", attempts: 3, backoff: exponential({ base: 1 }) }, () => {
  if (currentTask()!.attempt < 3) throw new Error("not yet");
  return "again";
});
task("poison.nest", { queue: "poison", attempts: 1 }, (levels: number) => {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = [value];
  return value;
});

const worker = new Worker({
  broker: celery(url!, JSON.parse(options) as CeleryOptions),
  queues: ["poison"],
  concurrency: 4,
  lease: "1s",
});
await worker.start();
console.log("started");
