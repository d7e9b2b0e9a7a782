/** What the clocks of a time zone show, by `Intl` alone. */
export interface LocalTime {
  /** `2026-03-29`. */
  readonly day: string;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** What the clocks show, as if it were UTC. */
  readonly asUtc: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

export function toLocalTime(at: number, timeZone: string): LocalTime {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat("en-US", { timeZone, dateStyle: "short", timeStyle: "medium", hourCycle: "h23" });
  formats.set(timeZone, format);
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0 } = parts;
  const asUtc = Date.UTC(2000 + year, month - 1, day, hour, minute, second);
  const date = new Date(asUtc);
  return { day: date.toISOString().slice(0, 10), hour, minute, second, weekday: date.getUTCDay(), asUtc };
}

/** The instants, to the minute, at which the clocks of a zone are changed between two others. */
export function clockChanges(timeZone: string, from: number, to: number): number[] {
  const offset = (at: number): number => toLocalTime(at, timeZone).asUtc - at;
  const changes: number[] = [];
  const dayMs = 86_400_000;
  for (let day = from; day < to; day += dayMs) {
    let [before, after] = [day, day + dayMs];
    if (offset(before) === offset(after)) continue;
    while (after - before > 60_000) {
      const middle = Math.floor((before + after) / 120_000) * 60_000;
      if (offset(middle) === offset(before)) before = middle;
      else after = middle;
    }
    changes.push(after);
  }
  return changes;
}
