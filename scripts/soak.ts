// `npm run soak -- --minutes 20`: mixed load on every broker, with kills and outages, and what became of memory and promises.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { ChaosReport } from "../test/chaos/chaos-report.ts";
import { formatReport, runChaos } from "../test/chaos/chaos-run.ts";
import type { Vitals } from "../test/chaos/fixtures/server.ts";
import type { Fleet } from "../test/chaos/fleet.ts";
import { brokerKinds } from "../test/chaos/stores/chaos-store.ts";

type Kind = (typeof brokerKinds)[number];

const help = `Usage: npm run soak -- [options]

  --minutes n     how long processes are loaded and killed (20)
  --brokers a,b   of ${brokerKinds.join(", ")} (all of them, side by side)
  --every n       seconds between two lines of a broker (30)
  --seed n        what is killed, and when
  --help          this

For each broker: a server to which nothing is done, one that is killed, two workers that are killed and stopped, and its own Redis,
PostgreSQL or RabbitMQ, which is killed, frozen and started again. Two clients keep a ledger of what was promised, a third goes
away in the middle of its requests. Lines tell how the first server feels: its heap after a full collection, its resident memory,
its handles, how long its event loop stood still. Exits with 1 if a promise was broken or the heap has grown by more than a tenth.`;

/** So much may the heap grow from the first quarter to the end. */
const maxGrowth = 1.1;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "20" },
    brokers: { type: "string", default: brokerKinds.join(",") },
    every: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) console.log(help);
else process.exitCode = await soak();

async function soak(): Promise<number> {
  const [minutes, every, seed] = [values.minutes, values.every, values.seed].map(Number) as [number, number, number];
  const kinds = values.brokers.split(",") as Kind[];
  const unknown = kinds.filter((kind) => !brokerKinds.includes(kind));
  if (unknown.length > 0 || !(minutes > 0) || !(every > 0) || !Number.isInteger(seed)) {
    console.error(
      `${unknown.length > 0 ? `Unknown broker ${unknown.join(", ")}.` : "Numbers are expected."}\n\n${help}`,
    );
    return 2;
  }
  console.log(`${minutes} min on ${kinds.join(", ")}, seed ${seed}`);
  const folder = mkdtempSync(join(tmpdir(), "afterword-soak-"));
  // PostgreSQL runs as a user of its own.
  chmodSync(folder, 0o755);
  try {
    // One that cannot go on does not end the others, whose processes would be left behind.
    const ended = await Promise.allSettled(
      kinds.map((kind, index) => soakBroker(kind, join(folder, kind), seed + 1_000 * index, minutes * 60_000, every)),
    );
    for (const [index, verdict] of ended.entries())
      if (verdict.status === "rejected") console.error(`\n${kinds[index]} could not go on:`, verdict.reason);
    return ended.every((verdict) => verdict.status === "fulfilled" && verdict.value) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** @returns whether all promises were kept and the memory was flat */
async function soakBroker(
  broker: Kind,
  folder: string,
  seed: number,
  chaosMs: number,
  everySeconds: number,
): Promise<boolean> {
  mkdirSync(folder);
  const seen: Vitals[] = [];
  let damage = "";
  let watching: Promise<void> | undefined;
  const report = await runChaos({
    broker,
    folder,
    seed,
    chaosMs,
    settleMs: 60_000,
    leaseMs: 3_000,
    serverSlots: 0,
    spared: 1,
    clients: 2,
    rudeClients: 1,
    onProgress: (line) => (damage = line),
    onStarted: (fleet) => {
      const startMs = performance.now();
      const isOver = (): boolean => performance.now() > startMs + chaosMs;
      watching = watch(fleet, everySeconds * 1_000, isOver, (vitals) => {
        seen.push(vitals);
        const minutes = ((performance.now() - startMs) / 60_000).toFixed(1);
        console.log(`${minutes.padStart(5)} min  ${broker.padEnd(8)}  ${describe(vitals)}  ${damage}`);
      });
      // It is told of below.
      watching.catch(() => {});
    },
  });
  await watching;
  return conclude(broker, report, seen);
}

async function watch(
  fleet: Fleet,
  everyMs: number,
  isOver: () => boolean,
  onVitals: (vitals: Vitals) => void,
): Promise<void> {
  for (;;) {
    await sleep(everyMs);
    // The servers are about to end.
    if (isOver()) return;
    for (const port of fleet.sparedPorts()) onVitals(await askVitals(port));
  }
}

async function askVitals(port: number): Promise<Vitals> {
  const response = await fetch(`http://127.0.0.1:${port}/vitals`, { signal: AbortSignal.timeout(20_000) });
  return (await response.json()) as Vitals;
}

function describe({ heapUsed, rss, handles, lagP99Ms, lagMaxMs }: Vitals): string {
  return `heap ${mebibytes(heapUsed)} MB  resident ${mebibytes(rss)} MB  handles ${handles}  loop p99 ${lagP99Ms.toFixed(0)} ms, max ${lagMaxMs.toFixed(0)} ms`;
}

function conclude(broker: Kind, report: ChaosReport, seen: readonly Vitals[]): boolean {
  const [first, last] = [seen[Math.floor(seen.length / 4)], seen.at(-1)];
  const growth = first && last ? last.heapUsed / first.heapUsed : Number.NaN;
  const isFlat = growth <= maxGrowth;
  console.log(
    `\n${broker}\n${formatReport(report)}\nheap at the end over that after a quarter: ${growth.toFixed(3)} ${isFlat ? "(flat)" : "(GREW)"}\ntasks in the process of the first server: ${last?.notes ?? 0}`,
  );
  return isFlat && report.broken.length === 0;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
