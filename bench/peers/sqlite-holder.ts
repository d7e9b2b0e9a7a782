// A worker whose jobs never end by themselves: `sqlite-holder.ts <file> <lease> <slots>`. It tells its parent of each start.
import { sqlite, task, Worker } from "afterword";
import { sharedNowMs } from "../lib/latency.ts";

const [file, lease, slots] = process.argv.slice(2);
task("hold", async (index: number) => {
  process.send!({ index, atMs: sharedNowMs() });
  await new Promise(() => {});
});
const worker = new Worker({ broker: sqlite(file!), lease: lease as `${number}s`, concurrency: Number(slots) });
await worker.start();
process.send!("ready");
