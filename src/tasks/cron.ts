import { Cron } from "croner";

/**
 * The first time after an instant at which a cron expression is due, by the clocks of a time zone; `undefined` if it never
 * is again. Instants are milliseconds since the Unix epoch.
 *
 * Where clocks change, an expression whose seconds, minutes and hours are plain numbers, lists or ranges names times of day:
 * one that does not exist that day is due when the clocks have been put forward, one that comes twice is due the first time.
 * An expression with `*` or a step in one of them names a rhythm: it is due at each real moment that fits, and at no other.
 *
 * @throws an error of croner's for what `assertCron` refuses
 */
export function nextTick(cron: string, timezone: string, afterMs: number): number | undefined {
  return parse(cron, timezone).nextRun(new Date(afterMs))?.getTime();
}

/** The last such time that is not after an instant; `undefined` if there was none. */
export function lastTick(cron: string, timezone: string, untilMs: number): number | undefined {
  return parse(cron, timezone)
    .previousRuns(1, new Date(untilMs + 1))[0]
    ?.getTime();
}

/** Reading an expression takes longer than using it. */
const parsed = new Map<string, Cron>();
const maxParsed = 500;

function parse(cron: string, timezone: string): Cron {
  const key = `${timezone} ${cron}`;
  let times = parsed.get(key);
  if (times === undefined) {
    times = new Cron(cron, { timezone, paused: true, mode: "5-or-6-parts", fixedTimeRule: "no-wildcard" });
    if (parsed.size >= maxParsed) parsed.clear();
    parsed.set(key, times);
  }
  return times;
}
