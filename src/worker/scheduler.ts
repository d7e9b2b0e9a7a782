import { inRootContext } from "../internal/root-context.ts";
import type { Broker } from "../tasks/broker.ts";
import type { Schedule } from "../tasks/schedule.ts";

/** What a scheduler is made of. */
export interface SchedulerParts {
  readonly broker: Broker;
  readonly schedules: readonly Schedule[];
  /** Told when the broker cannot be asked, once until it can. */
  readonly onError: (error: unknown) => void;
  /** Milliseconds since the Unix epoch. @defaultValue `Date.now` */
  readonly now?: () => number;
}

/** So often it looks at the clock, which may be set, or stand still while the machine sleeps. */
const maxWaitMs = 60_000;
const firstRetryMs = 200;
const maxRetryMs = 5_000;

interface Entry {
  readonly schedule: Schedule;
  /** The tick up to which everything is done; `undefined` until the broker has said it. */
  doneAt: number | undefined;
}

/**
 * Stores the jobs of schedules when they are due. Many may do so for the same broker: the broker takes each tick once, so a
 * tick whose answer was lost is asked for again without harm.
 */
export class Scheduler {
  readonly #broker: Broker;
  readonly #onError: (error: unknown) => void;
  readonly #now: () => number;
  readonly #entries: Entry[];
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> | undefined;
  #retryMs = 0;
  #isClosed = false;

  constructor({ broker, schedules, onError, now = Date.now }: SchedulerParts) {
    this.#broker = broker;
    this.#onError = onError;
    this.#now = now;
    this.#entries = schedules.map((schedule) => ({ schedule, doneAt: undefined }));
  }

  /** Makes the schedules known, and stores what was missed. */
  async start(): Promise<void> {
    if (this.#entries.length > 0) await this.#run();
  }

  /** Adds one while it runs. */
  add(schedule: Schedule): void {
    this.#entries.push({ schedule, doneAt: undefined });
    void this.#run();
  }

  /** Stores nothing any more. Resolves when what was under way is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#pass;
  }

  /** One pass at a time; one that is asked for meanwhile follows. */
  async #run(): Promise<void> {
    await this.#pass;
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#pass = inRootContext(() => this.#store());
    await this.#pass;
  }

  async #store(): Promise<void> {
    try {
      for (const entry of this.#entries) await this.#storeDue(entry);
      this.#retryMs = 0;
      this.#wait(this.#nextMs());
    } catch (error) {
      if (this.#retryMs === 0) this.#onError(error);
      this.#retryMs = Math.min(maxRetryMs, Math.max(firstRetryMs, this.#retryMs * 2));
      this.#wait(this.#retryMs * (0.5 + Math.random() / 2));
    }
  }

  async #storeDue(entry: Entry): Promise<void> {
    const { schedule } = entry;
    entry.doneAt ??= await this.#register(schedule);
    const nowMs = this.#now();
    const due = schedule.due(entry.doneAt, nowMs);
    if (due.length > 0)
      await this.#broker.tick({ schedule: schedule.name, ticks: due.map((at) => ({ at, job: schedule.toJob(at) })) });
    entry.doneAt = Math.max(entry.doneAt, nowMs);
  }

  async #register({ name, cron, timezone, task }: Schedule): Promise<number> {
    const { lastTickAt, createdAt } = await this.#broker.putSchedule({ name, cron, timezone, task });
    return lastTickAt ?? createdAt;
  }

  #nextMs(): number {
    const nowMs = this.#now();
    let waitMs = maxWaitMs;
    for (const { schedule, doneAt } of this.#entries) {
      const at = schedule.next(doneAt!);
      if (at !== undefined) waitMs = Math.min(waitMs, at - nowMs);
    }
    return waitMs;
  }

  #wait(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#run(), Math.max(1, Math.ceil(ms)));
    this.#timer.unref();
  }
}
