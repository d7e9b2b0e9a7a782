import type { ScheduleRecord } from "../../tasks/broker.ts";

/** The schedules that are known, and which tick of each was the last. */
export class Schedules {
  readonly #byName = new Map<string, ScheduleRecord>();

  put(given: Pick<ScheduleRecord, "name" | "cron" | "timezone" | "task">, now: number): ScheduleRecord {
    const { name, cron, timezone, task } = given;
    const known = this.#byName.get(name) ?? {
      lastTickAt: undefined,
      lastJobId: undefined,
      createdAt: now,
      isPaused: false,
    };
    return this.#set({ ...known, name, cron, timezone, task });
  }

  remove(name: string): boolean {
    return this.#byName.delete(name);
  }

  pause(name: string, isPaused: boolean): boolean {
    const known = this.#byName.get(name);
    if (known !== undefined) this.#set({ ...known, isPaused });
    return known !== undefined;
  }

  /** All of them, by name. */
  all(): ScheduleRecord[] {
    return [...this.#byName.values()].toSorted((one, two) => (one.name < two.name ? -1 : 1));
  }

  /** For each of these ascending times, whether it is the next tick: none of that time or a later one was before. */
  areNext(name: string, times: readonly number[]): boolean[] {
    const known = this.#byName.get(name);
    let last = known === undefined || known.isPaused ? Infinity : (known.lastTickAt ?? -Infinity);
    return times.map((at) => {
      const isNext = at > last;
      if (isNext) last = at;
      return isNext;
    });
  }

  ticked(name: string, at: number, jobId: string): void {
    this.#set({ ...this.#byName.get(name)!, lastTickAt: at, lastJobId: jobId });
  }

  #set(record: ScheduleRecord): ScheduleRecord {
    this.#byName.set(record.name, Object.freeze(record));
    return record;
  }
}
