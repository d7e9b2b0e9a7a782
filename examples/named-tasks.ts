// A named task and everything one can ask of it, in a script without a server.
//
//   node --conditions=afterword-source examples/named-tasks.ts
//
// It ends by itself, and leaves nothing.
import { chain, chord, Client, memory, task, Worker } from "afterword";

const countWords = task("count-words", async (text: string) => text.split(/\s+/).length);
const sum = task("sum", async (numbers: number[]) => numbers.reduce((total, number) => total + number, 0));
const report = task("report", async (total: number, title: string) => `${title}: ${total} words`);

const broker = memory();
await using client = new Client({ broker });
await using worker = new Worker({ broker });
await worker.start();

const job = await countWords.enqueue("one two three");
console.log(await job.result({ timeout: "5s" })); // 3

const flow = chain(
  chord(
    ["to be or", "not to be"].map((text) => countWords.call(text)),
    sum.withResult(),
  ),
  report.withResult("Hamlet"),
);
const handle = await flow.enqueue();
console.log(await handle.result({ timeout: "5s" })); // Hamlet: 6 words

const later = await countWords.with({ delay: "1h", uniqueKey: "nightly" }).enqueue("a b");
const same = await countWords.with({ delay: "1h", uniqueKey: "nightly" }).enqueue("a b");
console.log(same.id === later.id, await later.status()); // true scheduled
console.log(await client.job(later.id).cancel(), await later.status()); // true canceled
