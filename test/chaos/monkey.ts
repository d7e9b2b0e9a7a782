import { setTimeout as delay } from "node:timers/promises";
import type { ChaosProcess } from "./chaos-process.ts";
import type { Fleet, Place } from "./fleet.ts";
import type { Random } from "./random.ts";
import type { Observer } from "./stores/chaos-store.ts";

/** A SIGKILL of a process that served, and what it had in its hands by the store's own record. */
export interface Kill {
  readonly pid: number;
  readonly at: number;
  readonly jobs: readonly string[];
  /** Whether another process served at that moment: if none did, the next one has to start first. */
  readonly hadOthers: boolean;
}

/** What was done to the processes. */
export interface Damage {
  readonly kills: { server: number; worker: number; starting: number; all: number };
  readonly ofWorkers: Kill[];
  stops: number;
  /** Stopped in the middle of a transaction: they were let go on at once, because SQLite lets nobody else write then. */
  stopsInTransaction: number;
}

export function createDamage(): Damage {
  return {
    kills: { server: 0, worker: 0, starting: 0, all: 0 },
    ofWorkers: [],
    stops: 0,
    stopsInTransaction: 0,
  };
}

const acts = { worker: 33, server: 25, starting: 2, stop: 34, all: 6 } as const;

/** Kills and stops processes at random moments, and starts others in their place. */
export class Monkey {
  readonly damage: Damage = createDamage();
  readonly #fleet: Fleet;
  readonly #observer: Observer;
  readonly #random: Random;
  readonly #leaseMs: number;
  readonly #pending = new Set<Promise<void>>();
  #isHeld = false;
  #acting: Promise<void> = Promise.resolve();

  constructor(fleet: Fleet, observer: Observer, random: Random, leaseMs: number) {
    this.#fleet = fleet;
    this.#observer = observer;
    this.#random = random;
    this.#leaseMs = leaseMs;
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await delay(this.#random.integer(150, 700));
      if (!this.#isHeld) await (this.#acting = this.#act());
    }
    await Promise.all(this.#pending);
    for (const place of this.#fleet.places) if (place.process === undefined) await this.#fleet.start(place);
  }

  /** Does nothing until it is released. What it has begun is done. */
  async hold(): Promise<void> {
    this.#isHeld = true;
    await this.#acting;
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  release(): void {
    this.#isHeld = false;
  }

  async #act(): Promise<void> {
    const { kills } = this.damage;
    const act = this.#random.weighted(acts);
    // Where nothing serves for most of the time, nothing is promised that could be broken.
    const serving = this.#fleet.ready().length;
    if (serving < 2 && act !== "starting") return;
    switch (act) {
      case "worker":
      case "server": {
        const place = this.#pick((each) => each.kind === act && each.process?.state === "ready");
        if (place === undefined) return;
        kills[act]++;
        await this.#kill(
          place,
          this.#fleet.serving().some((each) => each !== place.process),
        );
        return this.#restart(place);
      }
      case "starting": {
        const place = this.#pick(({ process }) => process?.state === "starting");
        if (place === undefined) return;
        kills.starting++;
        await place.process?.kill();
        return this.#restart(place);
      }
      case "all": {
        const places = this.#fleet.places.filter(({ isSpared, process }) => !isSpared && process?.state === "ready");
        kills.all++;
        for (const { kind } of places) kills[kind]++;
        await Promise.all(places.map((place) => this.#kill(place, false)));
        for (const place of places) this.#restart(place);
        return;
      }
      case "stop": {
        const place = this.#pick(({ kind, process }) => kind === "worker" && process?.state === "ready");
        if (place?.process) this.#stop(place.process);
      }
    }
  }

  #pick(condition: (place: Place) => boolean): Place | undefined {
    return this.#random.pick(this.#fleet.places.filter((place) => !place.isSpared && condition(place)));
  }

  async #kill({ kind, process }: Place, hadOthers: boolean): Promise<void> {
    if (process === undefined) return;
    const at = Date.now();
    await process.kill();
    if (kind === "server") return;
    // While the server of the store is away, nobody knows.
    const running = await this.#observer.running().catch(() => []);
    const jobs = running.flatMap(({ id, pid }) => (pid === process.pid ? [id] : []));
    this.damage.ofWorkers.push({ pid: process.pid, at, jobs, hadOthers });
  }

  #restart(place: Place): void {
    const afterMs = this.#random.integer(0, 300);
    this.#later(async () => {
      await delay(afterMs);
      // It need not be ready before the next blow.
      void this.#fleet.start(place);
    });
  }

  #stop(process: ChaosProcess): void {
    const forMs = Math.round(this.#leaseMs * (1.4 + this.#random.next()));
    process.stop();
    this.damage.stops++;
    this.#later(async () => {
      const stoppedMs = performance.now();
      if (await this.#observer.isWritable()) await delay(forMs - (performance.now() - stoppedMs));
      else this.damage.stopsInTransaction++;
      process.continue();
    });
  }

  #later(act: () => Promise<void>): void {
    const pending = act().finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }
}
