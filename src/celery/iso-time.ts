const pattern =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:(Z)|([+-])(\d{2}):?(\d{2}))?)?$/i;

/**
 * Milliseconds since the Unix epoch of an instant as Python writes it; one without an offset is in UTC. `undefined` for
 * anything else, and for days that no calendar has.
 */
export function parseIsoTime(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0)) as Six;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  date.setUTCHours(hour, minute, second, Number(`${match[7] ?? ""}000`.slice(0, 3)));
  const offsetMs = (Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0)) * 60_000;
  return date.getTime() - (match[9] === "-" ? -offsetMs : offsetMs);
}

type Six = [number, number, number, number, number, number];

/**
 * An instant as Python's `isoformat()` writes it, with an offset. Always with six digits of a second: Celery 5.2 takes the
 * digits for microseconds, however many there are (celery/utils/iso8601.py).
 *
 * @param epochMs - milliseconds since the Unix epoch
 */
export function formatIsoTime(epochMs: number): string {
  return `${formatNaiveIsoTime(epochMs)}+00:00`;
}

/** The same without an offset, as the results of Celery up to 5.5 have it. */
export function formatNaiveIsoTime(epochMs: number): string {
  // Python knows the years 1 to 9999.
  const known = Math.min(Math.max(epochMs, -62_135_596_800_000), 253_402_300_799_999);
  return `${new Date(known).toISOString().slice(0, -1)}000`;
}
