import { setTimeout as delay } from "node:timers/promises";
import { waitUntil } from "../support/wait-until.ts";
import type { ChaosProcess } from "./chaos-process.ts";
import { post, type Ledger } from "./clients.ts";
import type { Fleet } from "./fleet.ts";
import { readJournals } from "./journal.ts";
import type { Monkey } from "./monkey.ts";
import type { Random } from "./random.ts";
import type { StoreServer } from "./stores/store-server.ts";

/** What was done to the server of the store. */
export interface OutageDamage {
  kills: number;
  shutdowns: number;
  freezes: number;
  /** Outages in which no process was killed, so that all of them had to go on by themselves. */
  quiet: number;
  /** When it was away. */
  readonly times: { readonly from: number; readonly to: number }[];
  /** After each quiet outage: how long until every process stored or ran jobs again, in milliseconds. */
  readonly recoveries: number[];
  /** Processes that did not. */
  readonly faults: string[];
}

export function createOutageDamage(): OutageDamage {
  return { kills: 0, shutdowns: 0, freezes: 0, quiet: 0, times: [], recoveries: [], faults: [] };
}

const acts = ["kill", "freeze", "shutdown"] as const;
/** So long processes may take to be ready before a quiet outage. */
const readyMs = 60_000;
/** So long they may take to go on after it. */
const recoveryMs = 20_000;

/** Takes the server of the store away at random moments, and gives it back, while processes need it. */
export class Outages {
  readonly damage: OutageDamage = createOutageDamage();
  readonly #server: StoreServer;
  readonly #fleet: Fleet;
  readonly #monkey: Monkey;
  readonly #ledger: Ledger;
  readonly #random: Random;

  constructor(server: StoreServer, fleet: Fleet, monkey: Monkey, ledger: Ledger, random: Random) {
    this.#server = server;
    this.#fleet = fleet;
    this.#monkey = monkey;
    this.#ledger = ledger;
    this.#random = random;
  }

  /** Every second outage is quiet, and every kind has its turn. */
  async run(isOver: () => boolean): Promise<void> {
    const first = this.#random.integer(0, acts.length - 1);
    for (let turn = 0; ; turn++) {
      await delay(this.#random.integer(2_000, 5_000));
      if (isOver()) return;
      const act = acts[(first + turn) % acts.length]!;
      if (turn % 2 === 0) await this.#quietly(act);
      else await this.#interrupt(act);
    }
  }

  async #interrupt(act: (typeof acts)[number]): Promise<void> {
    const from = Date.now();
    if (act === "freeze") {
      this.damage.freezes++;
      await this.#server.freeze();
      await delay(this.#random.integer(2_500, 4_000));
      await this.#server.thaw();
    } else {
      this.damage[`${act}s`]++;
      await this.#server[act]();
      await delay(this.#random.integer(500, 3_000));
      await this.#server.start();
    }
    this.damage.times.push({ from, to: Date.now() });
  }

  async #quietly(act: (typeof acts)[number]): Promise<void> {
    await this.#monkey.hold();
    await waitUntil(() => this.#fleet.places.every(({ process }) => process?.state === "ready"), { withinMs: readyMs });
    const processes = this.#fleet.ready();
    await this.#interrupt(act);
    this.damage.quiet++;
    const upAt = Date.now();
    const waiting = await this.#untilAllGoOn(processes, upAt);
    this.damage.recoveries.push(Date.now() - upAt);
    for (const { pid } of waiting)
      this.damage.faults.push(`Process ${pid} did not go on within ${recoveryMs} ms after an outage (${act})`);
    this.#monkey.release();
  }

  /** @returns those that do not */
  async #untilAllGoOn(processes: readonly ChaosProcess[], upAt: number): Promise<readonly ChaosProcess[]> {
    let waiting = processes;
    while (waiting.length > 0 && Date.now() < upAt + recoveryMs) {
      const stored = new Set<number>();
      for (const { port, pid } of processes)
        if (port > 0 && (await post(this.#ledger, port, "/jobs/sleep/5")) !== undefined) stored.add(pid);
      await delay(50);
      const { runs } = readJournals(this.#fleet.journals);
      const ran = new Set(runs.filter(({ at }) => at > upAt).map(({ pid }) => pid));
      waiting = waiting.filter(
        ({ pid, port, hasSlots }) => (port > 0 && !stored.has(pid)) || (hasSlots && !ran.has(pid)),
      );
    }
    return waiting;
  }
}
