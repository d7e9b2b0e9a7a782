// A worker whose jobs never end by themselves: `holder.ts <broker> <lease> <slots>`. It tells its parent of each start.
import { task, Worker } from "afterword";
import { brokerFromUrl } from "../../src/brokers/from-url.ts";
import { sharedNowMs } from "../lib/latency.ts";

const [url, lease, slots] = process.argv.slice(2);
task("hold", async (index: number) => {
  process.send!({ index, atMs: sharedNowMs() });
  await new Promise(() => {});
});
const broker = brokerFromUrl(url!, "The benchmark");
const worker = new Worker({ broker, lease: lease as `${number}s`, concurrency: Number(slots) });
await worker.start();
process.send!("ready");
