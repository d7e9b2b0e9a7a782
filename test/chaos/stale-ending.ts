import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../support/wait-until.ts";
import { effectFaults } from "./chaos-report.ts";
import type { ChaosProcess } from "./chaos-process.ts";
import { createLedger, post } from "./clients.ts";
import { Fleet } from "./fleet.ts";
import { readJournals } from "./journal.ts";
import { effectsOf, type BrokerSettings, type Effect, type Observer } from "./stores/chaos-store.ts";
import { startStore } from "./stores/start-store.ts";

/** What the second worker does when the ending of the first one comes at last. */
export type Moment = "the other worker runs the job" | "the other worker has ended the job";

export interface StaleEnding {
  /** What is wrong with the endings: must be empty. */
  readonly faults: readonly string[];
  /** How often a worker was told that its ending was refused. */
  readonly refusals: number;
}

const withinMs = 20_000;

/**
 * A worker is stopped in the middle of a job for longer than its lease, so that another is given the job; then it goes on,
 * and its ending arrives too late. No step waits for a time to pass: files open the gates of the functions.
 */
export async function runStaleEnding(
  kind: BrokerSettings["kind"],
  folder: string,
  moment: Moment,
  entry?: string,
): Promise<StaleEnding> {
  const store = await startStore(kind, folder);
  // Where no thread of its own renews the lease of a worker, a busy machine needs more time for it.
  const leaseMs = kind === "sqlite" ? 300 : 4_000;
  const fleet = new Fleet({ store, workers: 2, folder, leaseMs, slots: 1, serverSlots: 0, entry });
  let observer: Observer | undefined;
  try {
    const workers = fleet.places.filter(({ kind }) => kind === "worker");
    await fleet.startAll();
    const observed = await store.observe();
    observer = observed;
    const runsOf = (id: string) => readJournals(fleet.journals).runs.filter((run) => run.id === id);
    const open = ({ pid }: ChaosProcess): void => writeFileSync(join(fleet.gates, String(pid)), "");
    const add = async (target: string): Promise<string> => (await post(createLedger(), fleet.port()!, target))!;
    const endings = (id: string): Promise<readonly Effect[]> => effectsOf(observed, id);
    const until = (what: string, condition: () => boolean | Promise<boolean>) =>
      waitUntil(condition, { withinMs, what });
    const refusals = (): number => readJournals(fleet.journals).troubles.get("lease_lost") ?? 0;

    const id = await add(kind === "sqlite" ? "/jobs/gate/0" : "/jobs/openGate/0");
    await until("the job runs", () => runsOf(id).length === 1);
    const processes = workers.map(({ process }) => process!);
    const first = processes.find(({ pid }) => pid === runsOf(id)[0]!.pid)!;
    const second = processes.find((each) => each !== first)!;
    await stop(first, observed);
    await until("the other worker runs the job", () => runsOf(id).length === 2);
    if (moment === "the other worker has ended the job") {
      open(second);
      await until("the other worker has ended the job", async () => (await endings(id)).length === 1);
    }

    open(first);
    first.continue();
    await until("the late ending was answered", async () => {
      return refusals() > 0 || (await endings(id)).some(({ author }) => author === first.pid);
    });
    open(second);
    await until("the job has ended", async () => (await endings(id)).length > 0);
    // Endings are stored in order: when its next job has ended, nothing of the first worker is under way.
    await second.kill();
    const next = await add("/jobs/sleep/1");
    await until("another job has ended", async () => (await endings(next)).length > 0);
    return { faults: effectFaults(await observed.effects()), refusals: refusals() };
  } finally {
    await fleet.close();
    await observer?.close();
    await store.close();
  }
}

/** In a moment in which it does not write: SQLite lets nobody else write while a transaction stands still. */
async function stop(process: ChaosProcess, observer: Observer): Promise<void> {
  await waitUntil(async () => {
    process.stop();
    if (await observer.isWritable()) return true;
    process.continue();
    return false;
  });
}
