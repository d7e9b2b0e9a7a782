import { lastTick } from "./cron.ts";
import type { Schedule } from "./schedule.ts";

/** What is to be done about the ticks of a stretch of time. */
export interface DueTicks {
  /** Those to store, ascending. */
  readonly ticks: readonly number[];
  /** All ticks up to and with this instant are decided: the next stretch begins here. */
  readonly decidedAt: number;
}

/** A tick that is stored so soon after its time was not missed. */
const onTimeMs = 60_000;

/** So many missed ticks are made up for at most: the newest. */
const maxMissed = 1_000;

/**
 * Which of the ticks after `sinceMs` and not after `nowMs` to store. The newest is on time if it is at most a minute old; all
 * others were missed, and the policy of the schedule decides.
 */
export function dueTicks({
  schedule: { cron, timezone, missed },
  sinceMs,
  nowMs,
}: {
  readonly schedule: Pick<Schedule, "cron" | "timezone" | "missed">;
  readonly sinceMs: number;
  readonly nowMs: number;
}): DueTicks {
  const before = (untilMs: number): number | undefined => {
    const at = lastTick(cron, timezone, untilMs);
    return at !== undefined && at > sinceMs ? at : undefined;
  };
  const newest = before(nowMs);
  if (newest === undefined) return { ticks: [], decidedAt: sinceMs };
  switch (missed) {
    case "skip":
      return { ticks: nowMs - newest <= onTimeMs ? [newest] : [], decidedAt: newest };
    case "once":
      return { ticks: [newest], decidedAt: newest };
    case "all": {
      const ticks: number[] = [];
      for (let at: number | undefined = newest; at !== undefined && ticks.length < maxMissed; at = before(at - 1))
        ticks.push(at);
      return { ticks: ticks.toReversed(), decidedAt: newest };
    }
  }
}
