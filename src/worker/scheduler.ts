import { formatValue } from "../internal/format-value.ts";
import { inRootContext } from "../internal/root-context.ts";
import type { Broker } from "../tasks/broker.ts";
import { nextTick } from "../tasks/cron.ts";
import { dueTicks } from "../tasks/due-ticks.ts";
import { announceJobs } from "../tasks/job-channels.ts";
import type { Schedule } from "../tasks/schedule.ts";
import { StoreError } from "../tasks/store-error.ts";

/** What a scheduler is made of. */
export interface SchedulerParts {
  readonly broker: Broker;
  readonly schedules: readonly Schedule[];
  /** Told of trouble, of one kind once until it is over. */
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
  /** All ticks up to here are decided; `undefined` until the broker has said where to begin. */
  sinceAt: number | undefined;
  nextAt: number | undefined;
  /** The kind of what went wrong the last time; `undefined` when all is well. */
  trouble: string | undefined;
}

/**
 * Stores the jobs of schedules when they are due. Many schedulers may do so for the same broker, and one may hand over a tick
 * again when it cannot know whether it was stored: the broker takes each tick once.
 */
export class Scheduler {
  readonly #broker: Broker;
  readonly #onError: (error: unknown) => void;
  readonly #now: () => number;
  readonly #entries: Entry[];
  #state: "new" | "started" | "closed" = "new";
  #timer: NodeJS.Timeout | undefined;
  #passes: Promise<void> | undefined;
  #isAsked = false;
  #retryMs = 0;

  constructor({ broker, schedules, onError, now = Date.now }: SchedulerParts) {
    this.#broker = broker;
    this.#onError = onError;
    this.#now = now;
    this.#entries = schedules.map(createEntry);
  }

  /**
   * Makes the schedules known, and stores what was missed. Resolves also when the broker is away: then it is tried again until
   * it works.
   *
   * @throws {AfterwordError} with code `unsupported` when the broker cannot do what a schedule asks for
   */
  async start(): Promise<void> {
    for (const { schedule } of this.#entries) schedule.assertSupportedBy(this.#broker);
    if (this.#state === "new") this.#state = "started";
    await this.#run();
  }

  /**
   * Adds one, also while it runs.
   *
   * @throws {AfterwordError} with code `unsupported`
   */
  add(schedule: Schedule): void {
    schedule.assertSupportedBy(this.#broker);
    this.#entries.push(createEntry(schedule));
    void this.#run();
  }

  /** Stores nothing any more. Resolves when what is under way is done. */
  async close(): Promise<void> {
    this.#state = "closed";
    clearTimeout(this.#timer);
    await this.#passes;
  }

  /** One pass at a time; one that is asked for meanwhile follows. */
  async #run(): Promise<void> {
    if (this.#state !== "started") return;
    this.#isAsked = true;
    await (this.#passes ??= inRootContext(() => this.#runPasses()));
  }

  async #runPasses(): Promise<void> {
    clearTimeout(this.#timer);
    while (this.#isAsked && this.#state === "started") {
      this.#isAsked = false;
      await Promise.all(this.#entries.map((entry) => this.#advance(entry)));
    }
    this.#passes = undefined;
    if (this.#state === "started" && this.#entries.length > 0) this.#wait();
  }

  async #advance(entry: Entry): Promise<void> {
    try {
      entry.sinceAt ??= await this.#register(entry.schedule);
      entry.nextAt ??= nextOf(entry);
      await this.#storeDue(entry);
      entry.trouble = undefined;
    } catch (error) {
      const kind = kindOf(error, entry.schedule);
      const isKnown = this.#entries.some(({ trouble }) => trouble === kind);
      entry.trouble = kind;
      if (!isKnown) this.#tell(error);
    }
  }

  async #register({ name, cron, timezone, task }: Schedule): Promise<number> {
    const { lastTickAt, createdAt } = await this.#broker.putSchedule({ name, cron, timezone, task });
    return lastTickAt ?? createdAt;
  }

  /** What fails here is decided anew when it is tried again: by then a tick may have become one that was missed. */
  async #storeDue(entry: Entry): Promise<void> {
    const { schedule, sinceAt, nextAt } = entry;
    const nowMs = this.#now();
    if (sinceAt === undefined || nextAt === undefined || nextAt > nowMs || this.#state !== "started") return;
    const { ticks, decidedAt } = dueTicks({ schedule, sinceMs: sinceAt, nowMs });
    if (ticks.length > 0) {
      const jobs = announceJobs(ticks.map((at) => schedule.toNewJob(at)));
      await this.#broker.tick({
        schedule: schedule.name,
        ticks: ticks.map((at, index) => ({ at, job: jobs[index]! })),
      });
    }
    entry.sinceAt = decidedAt;
    entry.nextAt = nextOf(entry);
  }

  #wait(): void {
    const nowMs = this.#now();
    let waitMs = maxWaitMs;
    let isInTrouble = false;
    for (const { nextAt, trouble } of this.#entries)
      if (trouble !== undefined) isInTrouble = true;
      else if (nextAt !== undefined) waitMs = Math.min(waitMs, nextAt - nowMs);
    this.#retryMs = isInTrouble ? Math.min(maxRetryMs, Math.max(firstRetryMs, this.#retryMs * 2)) : 0;
    if (isInTrouble) waitMs = Math.min(waitMs, this.#retryMs * (0.5 + Math.random() / 2));
    this.#timer = setTimeout(() => void this.#run(), Math.max(1, Math.ceil(waitMs)));
    this.#timer.unref();
  }

  #tell(error: unknown): void {
    try {
      this.#onError(error);
    } catch {
      // Whoever listens has trouble of its own, which must not end the schedules.
    }
  }
}

function createEntry(schedule: Schedule): Entry {
  return { schedule, sinceAt: undefined, nextAt: undefined, trouble: undefined };
}

function nextOf({ schedule: { cron, timezone }, sinceAt }: Entry): number | undefined {
  return sinceAt === undefined ? undefined : nextTick(cron, timezone, sinceAt);
}

/** A store that is away is the trouble of all schedules; anything else is that of one. */
function kindOf(error: unknown, { name }: Schedule): string {
  if (error instanceof StoreError) return error.code;
  return `${name}: ${error instanceof Error ? `${error.name}: ${error.message}` : formatValue(error)}`;
}
