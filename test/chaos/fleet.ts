import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ChaosProcess } from "./chaos-process.ts";
import type { ChaosStore } from "./stores/chaos-store.ts";

export interface FleetOptions {
  readonly store: ChaosStore;
  readonly servers?: number;
  /** Servers beside those, to which nothing is done. */
  readonly spared?: number;
  readonly workers: number;
  /** A folder of its own, empty. */
  readonly folder: string;
  readonly leaseMs: number;
  /** How many jobs each process runs at the same time. */
  readonly slots: number;
  /** How many the server runs. */
  readonly serverSlots?: number;
  readonly entry?: string | undefined;
}

/** A place that is filled by one process after the other. */
export interface Place {
  readonly kind: "server" | "worker";
  readonly name: string;
  /** Whether nothing is done to it. */
  readonly isSpared: boolean;
  process: ChaosProcess | undefined;
  starts: number;
}

function createPlaces(kind: Place["kind"], count: number, isSpared = false): Place[] {
  return Array.from({ length: count }, (_, index) => ({
    kind,
    name: `${isSpared ? "spared-" : ""}${kind}-${index + 1}`,
    isSpared,
    process: undefined,
    starts: 0,
  }));
}

/** Servers and workers on one store. */
export class Fleet {
  readonly places: readonly Place[];
  readonly journals: string;
  readonly gates: string;
  /** Processes that have ended without being killed: what they said. */
  readonly crashes: string[] = [];
  /** How many have ended before they were ready, because the server of the store was away: they were started again. */
  failedStarts = 0;
  /** How long processes took to become ready, in milliseconds. */
  readonly startTimes: number[] = [];
  readonly #options: FleetOptions;
  #isClosed = false;
  #nextServer = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.journals = join(options.folder, "journals");
    this.gates = join(options.folder, "gates");
    mkdirSync(this.journals);
    mkdirSync(this.gates);
    const { servers = 1, spared = 0, workers } = options;
    this.places = [
      ...createPlaces("server", spared, true),
      ...createPlaces("server", servers),
      ...createPlaces("worker", workers),
    ];
  }

  /** Fills a place that is empty. @returns whether it became ready */
  start(place: Place): Promise<boolean> {
    if (this.#isClosed) return Promise.resolve(false);
    const { store, folder, leaseMs, slots, serverSlots = slots, entry } = this.#options;
    const process = new ChaosProcess(place.kind, {
      broker: store.broker,
      journal: join(this.journals, `${place.name}.${++place.starts}`),
      gates: this.gates,
      compiled: join(folder, "compiled"),
      leaseMs,
      slots: place.kind === "server" ? serverSlots : slots,
      entry,
    });
    place.process = process;
    void process.exited.then(() => {
      if (place.process === process) place.process = undefined;
      if (process.isKilled) return;
      const wasReady = process.readyAt !== Infinity;
      if (wasReady || store.server === undefined || store.server.isUpSince(process.startedAt))
        return void this.crashes.push(`${place.name} ended by itself: ${process.stderr}`);
      this.failedStarts++;
      void this.start(place);
    });
    return process.ready.then((isReady) => {
      if (isReady) this.startTimes.push(process.readyAt - process.startedAt);
      return isReady;
    });
  }

  /** All at once: who comes first makes the tables. */
  async startAll(): Promise<void> {
    const areReady = await Promise.all(this.places.map((place) => this.start(place)));
    if (areReady.includes(false)) throw new Error(`Not all processes have started:\n${this.crashes.join("\n")}`);
  }

  /** Those that serve, of a kind. */
  ready(kind?: Place["kind"]): ChaosProcess[] {
    return this.places.flatMap(({ kind: own, process }) =>
      process?.state === "ready" && (kind === undefined || kind === own) ? [process] : [],
    );
  }

  /** Those that run jobs. */
  serving(): ChaosProcess[] {
    return this.ready().filter(({ hasSlots }) => hasSlots);
  }

  /** Since when at least one has been able to take back the jobs of dead workers. */
  servingSince(): number {
    return Math.min(...this.serving().map(({ readyAt }) => readyAt));
  }

  /** Of the servers to which nothing is done. */
  sparedPorts(): number[] {
    return this.places.flatMap(({ isSpared, process }) =>
      isSpared && process?.state === "ready" ? [process.port] : [],
    );
  }

  /** Of a server that serves: of another one each time. */
  port(): number | undefined {
    const servers = this.ready("server");
    return servers[this.#nextServer++ % servers.length]?.port;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.places.map(({ process }) => process?.kill()));
  }
}
