import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { CronTimes } from "./cron.ts";
import type { NewJob } from "./job.ts";
import { checkArguments, toNewJob } from "./new-job.ts";
import { definitionOf, type TaskDefinition } from "./task-definition.ts";
import { toName } from "./task-options.ts";

/** What `app.schedule()` takes after the arguments. */
export interface ScheduleOptions {
  /** Whose clock the cron expression is read by. @defaultValue `"UTC"` */
  readonly timezone?: string;
  /**
   * What happens to ticks at which no process was there to store a job.
   *
   * - `"skip"`: nothing.
   * - `"once"`: one job, for the last of them.
   * - `"all"`: a job for each, of the last thousand.
   *
   * @defaultValue `"once"`
   */
  readonly missed?: "skip" | "once" | "all";
}

/** A tick that is stored so soon after its time was not missed. */
const onTimeMs = 60_000;
const maxMissed = 1_000;

/** Jobs of one task at the times of a cron expression. */
export class Schedule {
  readonly name: string;
  readonly cron: string;
  readonly timezone: string;
  readonly missed: "skip" | "once" | "all";
  readonly #times: CronTimes;
  readonly #definition: TaskDefinition;
  readonly #args: readonly unknown[];

  /** @throws {DeclarationError} when anything of it is wrong; an `AfterwordError` when the arguments cannot be stored */
  constructor(name: string, cron: string, task: object, args: readonly unknown[], options: ScheduleOptions) {
    this.name = toName(name, "The name of a schedule");
    const what = `Schedule "${name}"`;
    const { timezone = "UTC", missed = "once", ...rest } = options;
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined)
      throw new DeclarationError(`${what} knows the options timezone and missed, but got ${JSON.stringify(unknown)}.`);
    if (missed !== "skip" && missed !== "once" && missed !== "all")
      throw new DeclarationError(`${what}: missed must be "skip", "once" or "all", but got ${formatValue(missed)}.`);
    const definition = typeof task === "function" ? definitionOf(task) : undefined;
    if (definition === undefined)
      throw new DeclarationError(`${what} needs a task that was made by task(), but got ${formatValue(task)}.`);
    if (!Array.isArray(args))
      throw new DeclarationError(`${what}: the arguments must be an array, but got ${formatValue(args)}.`);
    this.cron = cron;
    this.timezone = timezone;
    this.missed = missed;
    this.#times = new CronTimes(cron, timezone, what);
    this.#definition = definition;
    this.#args = args;
    void checkArguments(definition, args);
    this.toJob(0);
  }

  /** The name of its task. */
  get task(): string {
    return this.#definition.name;
  }

  /** The job of a tick. */
  toJob(at: number): NewJob {
    const job = toNewJob(this.task, this.#definition.config, this.#args, undefined);
    return { ...job, meta: { schedule: this.name, tick: new Date(at).toISOString() } };
  }

  /** The first tick after `afterMs`; `undefined` if there is none. */
  next(afterMs: number): number | undefined {
    return this.#times.next(afterMs);
  }

  /**
   * The ticks to store of those after `sinceMs` up to `nowMs`, ascending: the last one if it is on time, and of those that were
   * missed what the policy says.
   */
  due(sinceMs: number, nowMs: number): number[] {
    const ticks: number[] = [];
    for (let at = this.next(sinceMs); at !== undefined && at <= nowMs; at = this.next(at)) {
      ticks.push(at);
      if (ticks.length > maxMissed) ticks.shift();
    }
    switch (this.missed) {
      case "all":
        return ticks;
      case "once":
        return ticks.slice(-1);
      case "skip":
        return ticks.slice(-1).filter((at) => at > nowMs - onTimeMs);
    }
  }
}
