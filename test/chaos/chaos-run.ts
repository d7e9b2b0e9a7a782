import { setTimeout as delay } from "node:timers/promises";
import { toReport, type ChaosReport } from "./chaos-report.ts";
import { createLedger, longestBlockMs, runClient, runRudeClient } from "./clients.ts";
import { CopiedSources } from "./copied-sources.ts";
import { Fleet } from "./fleet.ts";
import { readJournals } from "./journal.ts";
import { Monkey } from "./monkey.ts";
import { Outages } from "./outages.ts";
import { OverdueWatch } from "./overdue.ts";
import { Random } from "./random.ts";
import type { BrokerSettings, Observer } from "./stores/chaos-store.ts";
import { startStore } from "./stores/start-store.ts";

export interface ChaosOptions {
  /** Where the jobs are. @defaultValue `"sqlite"` */
  readonly broker?: BrokerSettings["kind"];
  /** An empty folder: everything is kept in it. */
  readonly folder: string;
  readonly seed: number;
  /** How long processes are killed. */
  readonly chaosMs: number;
  /** How long it may take after that until one more job has ended. */
  readonly settleMs: number;
  /** @defaultValue 600, but 1,500 where the store has a server */
  readonly leaseMs?: number | undefined;
  readonly slots?: number;
  /** How many jobs a server runs. @defaultValue as many as a worker, but none where the store has a server */
  readonly serverSlots?: number;
  readonly servers?: number;
  /** Servers beside those, to which nothing is done: their memory can be watched. @defaultValue 0 */
  readonly spared?: number;
  readonly workers?: number;
  readonly clients?: number;
  /** Clients that go away in the middle. @defaultValue 0 */
  readonly rudeClients?: number;
  /** Called when all processes have started. */
  readonly onStarted?: (fleet: Fleet) => void;
  readonly onProgress?: (line: string) => void;
}

/**
 * Clients ask a server for jobs all the time, while servers and workers are killed, and the server of the store as well, if it has
 * one; in the end the books are checked.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { broker = "sqlite", folder, seed, chaosMs, settleMs } = options;
  const { slots = 4, servers = 1, spared = 0, workers = 2, clients = 4, rudeClients = 0 } = options;
  // Where no thread renews leases, one that is shorter than what a function blocks for is lost again and again.
  const leaseMs = options.leaseMs ?? (broker === "sqlite" ? 600 : 1_500);
  // Where the store has a server, it is measured how soon an answer 503 comes: no function blocks those that answer.
  const serverSlots = options.serverSlots ?? (broker === "sqlite" ? slots : 0);
  using sources = new CopiedSources();
  const { entry } = sources;
  const store = await startStore(broker, folder);
  const fleet = new Fleet({ store, servers, spared, workers, folder, leaseMs, slots, serverSlots, entry });
  let observer: Observer | undefined;
  try {
    await fleet.startAll();
    observer = await store.observe();
    options.onStarted?.(fleet);

    const ledger = createLedger();
    const monkey = new Monkey(fleet, observer, new Random(seed), leaseMs);
    const overdue = new OverdueWatch(store, fleet, observer);
    const outages = store.server && new Outages(store.server, fleet, monkey, ledger, new Random(~seed));
    const endMs = performance.now() + chaosMs;
    const isChaosOver = (): boolean => performance.now() >= endMs;
    let isOver = false;
    let backlog = 0;
    const watching = overdue.run(() => isOver);
    const progress = setInterval(() => {
      const { kills, stops } = monkey.damage;
      const away = outages
        ? `, of the store: ${outages.damage.kills + outages.damage.shutdowns}, freezes: ${outages.damage.freezes}`
        : "";
      options.onProgress?.(
        `${ledger.confirmed.size} confirmed, kills: ${kills.server} server, ${kills.worker} worker, stops: ${stops}${away}`,
      );
    }, 5_000);
    try {
      await Promise.all([
        monkey.run(isChaosOver),
        outages?.run(isChaosOver),
        ...Array.from({ length: clients }, (_, index) =>
          runClient(ledger, new Random(seed + 1 + index), () => fleet.port(), isChaosOver),
        ),
        ...Array.from({ length: rudeClients }, (_, index) =>
          runRudeClient(new Random(seed - 1 - index), () => fleet.port(), isChaosOver),
        ),
      ]);
      backlog = await settle(observer, settleMs);
    } finally {
      clearInterval(progress);
      isOver = true;
      await watching;
    }
    return toReport({
      leaseMs,
      ledger,
      damage: monkey.damage,
      outages: outages?.damage,
      journal: readJournals(fleet.journals),
      effects: await observer.effects(),
      backlog,
      unfinished: await observer.unfinished(),
      maxOverdueMs: overdue.maxMs,
      overdueLimitMs: store.graceMs + longestBlockMs,
      failedStarts: fleet.failedStarts,
      startTimes: fleet.startTimes,
      crashes: fleet.crashes,
    });
  } finally {
    await fleet.close();
    await observer?.close();
    await store.close();
  }
}

/**
 * Waits until all jobs have ended, or none does any more: how many there are depends on how long processes took to start.
 *
 * @returns how many there were
 */
async function settle(observer: Observer, stallMs: number): Promise<number> {
  const backlog = await observer.unfinished();
  let left = backlog;
  let lateMs = performance.now() + stallMs;
  while (left > 0 && performance.now() < lateMs) {
    await delay(50);
    const now = await observer.unfinished();
    if (now < left) {
      left = now;
      lateMs = performance.now() + stallMs;
    }
  }
  return backlog;
}

const maxSentences = 30;

/** The figures as lines, for people. */
export function formatReport({ figures, broken }: ChaosReport): string {
  const width = Math.max(...Object.keys(figures).map(({ length }) => length));
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  const shown = broken.slice(0, maxSentences).map((sentence) => `BROKEN: ${sentence}`);
  const more = broken.length - shown.length;
  return [...lines, ...shown, ...(more > 0 ? [`BROKEN: and ${more} more`] : [])].join("\n");
}
