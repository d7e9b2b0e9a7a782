// Adds jobs from another process: `adder.ts <engine> <url> <jobs per second> <seconds>`.
import { pace, sharedNowMs } from "../lib/latency.ts";
import { openEngine, type EngineName } from "./engines.ts";

const [name, url, perSecond, seconds] = process.argv.slice(2);
await using engine = await openEngine(name as EngineName, url!);
const adding: Promise<unknown>[] = [];
await pace(Number(perSecond), Number(seconds), () => adding.push(engine.add(sharedNowMs())));
await Promise.all(adding);
