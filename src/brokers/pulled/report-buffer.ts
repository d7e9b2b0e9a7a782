import { maxLogLines } from "../../tasks/job.ts";
import type { HeldJob } from "./held-job.ts";
import type { Report, Store } from "./store.ts";
import type { Trouble } from "./trouble.ts";

/** So long what jobs say is collected before it is stored. */
const collectMs = 50;

interface Said {
  progress: Report["progress"];
  readonly log: string[];
}

/** What running jobs say of themselves, stored together. */
export class ReportBuffer {
  readonly #store: Store;
  readonly #trouble: Trouble;
  #said = new Map<HeldJob, Said>();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, trouble: Trouble) {
    this.#store = store;
    this.#trouble = trouble;
  }

  progress(held: HeldJob, value: number, note: string | undefined): void {
    this.#of(held).progress = { value, note };
  }

  log(held: HeldJob, line: string): void {
    const { log } = this.#of(held);
    log.push(line);
    if (log.length > maxLogLines) log.shift();
  }

  /** Stores what was said so far, before whatever is asked of the store next. */
  store(): void {
    if (this.#said.size === 0) return;
    this.stop();
    const said = this.#said;
    this.#said = new Map();
    const reports = Array.from(said, ([{ id, epoch }, { progress, log }]): Report => ({ id, epoch, progress, log }));
    this.#store.report({ reports }).then(
      () => this.#trouble.over("report"),
      (error: unknown) => this.#keep(said, this.#trouble.met("report", error)),
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** What could not be stored comes before what was said since, if its job still runs. */
  #keep(said: ReadonlyMap<HeldJob, Said>, waitMs: number): void {
    const later = this.#said;
    this.#said = new Map();
    for (const [held, { progress, log }] of said)
      if (held.ending === undefined && held.abortReason?.code !== "lease_lost") this.#said.set(held, { progress, log });
    for (const [held, { progress, log }] of later) {
      const known = this.#said.get(held);
      const lines = known === undefined ? log : [...known.log, ...log].slice(-maxLogLines);
      this.#said.set(held, { progress: progress ?? known?.progress, log: lines });
    }
    this.stop();
    if (this.#said.size > 0) this.#storeIn(waitMs);
  }

  #of(held: HeldJob): Said {
    let said = this.#said.get(held);
    if (said === undefined) {
      said = { progress: undefined, log: [] };
      this.#said.set(held, said);
    }
    if (this.#timer === undefined) this.#storeIn(collectMs);
    return said;
  }

  #storeIn(ms: number): void {
    this.#timer = setTimeout(() => this.store(), ms);
  }
}
