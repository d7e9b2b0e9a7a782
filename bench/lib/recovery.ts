import { fork, type ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { brokerFromUrl } from "../../src/brokers/from-url.ts";
import { Client } from "../../src/tasks/client.ts";
import { task } from "../../src/tasks/task.ts";
import { atExit } from "./at-exit.ts";
import { percentile, sharedNowMs } from "./latency.ts";
import { BenchError, type Target } from "./question.ts";
import type { Table } from "./table.ts";

/** Workers that are killed. */
export interface Victims {
  readonly workers: number;
  /** How many jobs each of them runs then. */
  readonly jobs: number;
  readonly leaseMs: number;
}

const program = fileURLToPath(new URL("../peers/holder.ts", import.meta.url));
/** A worker is ready by then, or has started what is there. */
const patienceMs = 20_000;

const hold = task("hold", (_index: number) => {});

/** Milliseconds from the kill of its worker to the next start, for each job. */
export async function measureRecovery(url: string, { workers, jobs, leaseMs }: Victims): Promise<number[]> {
  const holders: Holder[] = [];
  const start = (slots: number): Holder => {
    const holder = new Holder(url, leaseMs, slots);
    holders.push(holder);
    return holder;
  };
  await using client = new Client({ broker: brokerFromUrl(url, "The benchmark") });
  try {
    for (let worker = 0; worker < workers; worker++) {
      const indexes = Array.from({ length: jobs }, (_, index) => worker * jobs + index);
      await client.run(() => Promise.all(indexes.map((index) => hold.enqueue(index))));
      // Those before it have no slot free.
      await start(jobs).until(jobs, patienceMs);
    }
    const victims = [...holders];
    const survivor = start(workers * jobs);
    await survivor.until(0, patienceMs);
    const killedAtMs = await Promise.all(
      victims.map(async (victim) => {
        // Somewhere between two signs of life.
        await sleep((Math.random() * leaseMs) / 3);
        const atMs = sharedNowMs();
        victim.kill();
        return atMs;
      }),
    );
    await survivor.until(workers * jobs, leaseMs + patienceMs);
    if (new Set(survivor.starts.map(({ index }) => index)).size !== workers * jobs)
      throw new BenchError("A job was started twice.");
    return survivor.starts.map(({ index, atMs }) => atMs - killedAtMs[Math.floor(index / jobs)]!);
  } finally {
    for (const holder of holders) holder.kill();
  }
}

interface Start {
  readonly index: number;
  readonly atMs: number;
}

/** A worker in a process of its own, whose jobs never end. */
class Holder {
  readonly starts: Start[] = [];
  #isReady = false;
  readonly #child: ChildProcess;

  constructor(url: string, leaseMs: number, slots: number) {
    this.#child = fork(program, [url, `${leaseMs / 1_000}s`, String(slots)], {
      execArgv: ["--conditions=afterword-source"],
    });
    this.#child.once(
      "exit",
      atExit(() => this.kill()),
    );
    this.#child.on("message", (message: "ready" | Start) => {
      if (message === "ready") this.#isReady = true;
      else this.starts.push(message);
    });
  }

  /** Waits until it is ready and has started so many jobs. */
  async until(starts: number, withinMs: number): Promise<void> {
    for (const deadline = performance.now() + withinMs; !this.#isReady || this.starts.length < starts; await sleep(5))
      if (performance.now() > deadline) throw new BenchError(`A worker has started ${this.starts.length} jobs.`);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** @param recoveries - of all jobs in all rounds */
export function toRecoveryTable(recoveries: readonly number[], { jobs, leaseMs }: Victims): Table {
  return {
    title: `P9: from SIGKILL of a worker to the next start of each of its ${jobs} jobs, lease ${leaseMs / 1_000} s`,
    head: ["jobs", "p50 ms", "p99 ms", "max ms"],
    rows: [[String(recoveries.length), ...[50, 99, 100].map((of100) => percentile(recoveries, of100).toFixed(0))]],
  };
}

/** @param moreMs - what may be added to the lease */
export function toRecoveryTarget(recoveries: readonly number[], { leaseMs }: Victims, moreMs: number): Target {
  const maxMs = percentile(recoveries, 100);
  return {
    text: `P9 every job runs again within the lease and ${moreMs / 1_000} s`,
    value: `${maxMs.toFixed(0)} ms`,
    isMet: maxMs <= leaseMs + moreMs,
  };
}

export const recoveryNote: string =
  "P9: a lease starts anew every third of it, so that at the kill it has between two thirds of it and all of it to run.";
