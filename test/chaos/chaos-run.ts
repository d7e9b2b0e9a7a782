import { setTimeout as delay } from "node:timers/promises";
import { toReport, type ChaosReport } from "./chaos-report.ts";
import { createLedger, runClient } from "./clients.ts";
import { CopiedSources } from "./copied-sources.ts";
import { Fleet } from "./fleet.ts";
import { readJournals } from "./journal.ts";
import { Monkey } from "./monkey.ts";
import { Observer } from "./observer.ts";
import { OverdueWatch } from "./overdue.ts";
import { Random } from "./random.ts";

export interface ChaosOptions {
  /** An empty folder: everything is kept in it. */
  readonly folder: string;
  readonly seed: number;
  /** How long processes are killed. */
  readonly chaosMs: number;
  /** How long everything may take to end after that. */
  readonly settleMs: number;
  readonly leaseMs?: number;
  readonly slots?: number;
  readonly servers?: number;
  readonly workers?: number;
  readonly clients?: number;
  readonly onProgress?: (line: string) => void;
}

/** Clients ask a server for jobs all the time, while server and workers are killed; in the end the books are checked. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { folder, seed, chaosMs, settleMs, leaseMs = 600, slots = 4, servers = 1, workers = 2, clients = 4 } = options;
  using sources = new CopiedSources();
  const { entry } = sources;
  const fleet = new Fleet({ servers, workers, folder, leaseMs, slots, entry });
  let observer: Observer | undefined;
  try {
    await fleet.startAll();
    observer = await Observer.open(fleet.file);

    const ledger = createLedger();
    const monkey = new Monkey(fleet, observer, new Random(seed), leaseMs);
    const overdue = new OverdueWatch(fleet, observer);
    const endMs = performance.now() + chaosMs;
    const isChaosOver = (): boolean => performance.now() >= endMs;
    let isOver = false;
    const watching = overdue.run(() => isOver);
    const progress = setInterval(() => {
      const { kills, stops } = monkey.damage;
      options.onProgress?.(
        `${ledger.confirmed.size} confirmed, ${observer?.unfinished()} open, kills: ${kills.server} server, ${kills.worker} worker, stops: ${stops}`,
      );
    }, 5_000);
    try {
      await Promise.all([
        monkey.run(isChaosOver),
        ...Array.from({ length: clients }, (_, index) =>
          runClient(ledger, new Random(seed + 1 + index), () => fleet.port(), isChaosOver),
        ),
      ]);
      const lateMs = performance.now() + settleMs;
      while (observer.unfinished() > 0 && performance.now() < lateMs) await delay(50);
    } finally {
      clearInterval(progress);
      isOver = true;
      await watching;
    }
    return toReport({
      leaseMs,
      ledger,
      damage: monkey.damage,
      journal: readJournals(fleet.journals),
      effects: observer.effects(),
      unfinished: observer.unfinished(),
      maxOverdueMs: overdue.maxMs,
      startTimes: fleet.startTimes,
      crashes: fleet.crashes,
    });
  } finally {
    await fleet.close();
    observer?.close();
  }
}

/** The figures as lines, for people. */
export function formatReport({ figures, broken }: ChaosReport): string {
  const width = Math.max(...Object.keys(figures).map(({ length }) => length));
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  return [...lines, ...broken.map((sentence) => `BROKEN: ${sentence}`)].join("\n");
}
