// Adds jobs from another process: `sqlite-adder.ts <file> <jobs per second> <seconds>`.
import { Client, sqlite, task } from "afterword";
import { pace, sharedNowMs } from "../lib/latency.ts";

const [file, perSecond, seconds] = process.argv.slice(2);
const noop = task("noop", (_addedAtMs: number) => {});
await using client = new Client({ broker: sqlite(file!) });
await client.open();
const adding: Promise<unknown>[] = [];
await pace(Number(perSecond), Number(seconds), () => adding.push(noop.enqueue(sharedNowMs())));
await Promise.all(adding);
