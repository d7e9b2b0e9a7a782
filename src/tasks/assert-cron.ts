import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { nextTick } from "./cron.ts";

const fields = [
  { name: "second", expected: "0 to 59" },
  { name: "minute", expected: "0 to 59" },
  { name: "hour", expected: "0 to 23" },
  { name: "day of month", expected: "1 to 31, or L for the last" },
  { name: "month", expected: "1 to 12, or JAN to DEC" },
  { name: "day of week", expected: "0 to 7 (0 and 7 are Sunday), or SUN to SAT" },
] as const;

const nicknames = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

const example = 'Example: "0 3 * * MON-FRI" is three o\'clock on working days.';

/**
 * @param what - whose they are, for the error: `Schedule "nightly"`
 * @throws {DeclarationError} for a cron expression that nobody can read or that is never due, and an unknown time zone
 */
export function assertCron(what: string, cron: unknown, timezone: unknown): void {
  assertTimezone(what, timezone);
  if (typeof cron !== "string" || !isComplete(cron.trim()))
    throw new DeclarationError(
      `${what}: the time must be a cron expression of five fields (minute, hour, day of month, month, day of week), of six with seconds before them, or one of ${nicknames.join(", ")}, but got ${formatValue(cron)}. ${example}`,
    );
  const ticks = attempt(() => nextTick(cron, timezone, 0));
  if ("error" in ticks) throw unreadable(what, cron, ticks.error);
  if (ticks.value === undefined)
    throw new DeclarationError(
      `${what}: ${formatValue(cron)} is never due, because no month that it names has such a day. Give a day that comes, or L for the last of the month.`,
    );
}

function assertTimezone(what: string, timezone: unknown): asserts timezone is string {
  const isName = typeof timezone === "string" && /^[A-Za-z]/.test(timezone);
  if (isName && !("error" in attempt(() => new Intl.DateTimeFormat("en", { timeZone: timezone })))) return;
  throw new DeclarationError(
    `${what}: timezone must be the name of an IANA time zone, such as "Europe/Berlin" or "UTC", but got ${formatValue(timezone)}.`,
  );
}

/** Also keeps out dates and years, which croner would take. */
function isComplete(cron: string): boolean {
  if (cron.startsWith("@")) return nicknames.includes(cron.toLowerCase());
  const { length } = cron.split(/\s+/);
  return length === 5 || length === 6;
}

function unreadable(what: string, cron: string, cause: unknown): DeclarationError {
  const parts = cron.trim().split(/\s+/);
  const wrong = parts.findIndex((part, index) => {
    const alone = parts.map((_, other) => (other === index ? part : "*")).join(" ");
    return "error" in attempt(() => nextTick(alone, "UTC", 0));
  });
  const field = fields[wrong + fields.length - parts.length];
  const place =
    wrong === -1 || field === undefined
      ? `${formatValue(cron)} is no cron expression`
      : `the ${field.name} of the cron expression ${formatValue(cron)} must be ${field.expected}, a range, a list or a step (*/5) of these, or *, but got ${formatValue(parts[wrong])}`;
  return new DeclarationError(`${what}: ${place}. ${example}`, { cause });
}

function attempt<T>(fn: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: fn() };
  } catch (error) {
    return { error };
  }
}
