// A worker of ours on a queue of Celery's, which runs the jobs of celery_noop.py: `celery-worker.ts <url> <name> <slots>`.
// It waits at a queue that nobody uses, until Celery tells it to serve its own.
import { task, Worker } from "afterword";
import { brokerFromUrl } from "../../src/brokers/from-url.ts";

const [url, name, slots] = process.argv.slice(2);
let ran = 0;
task("noop", { queue: "nothing" }, (number: number) => {
  ran++;
  if (number <= 0) console.log(number === 0 ? "first" : "last");
});
const broker = brokerFromUrl(`celery+${url}`, `The benchmark's ${name}`);
const worker = new Worker({ broker, queues: ["nothing"], concurrency: Number(slots) });
await worker.start();
process.once("SIGTERM", async () => {
  await worker.close();
  console.log(`ran ${ran}`);
});
console.log("ready");
