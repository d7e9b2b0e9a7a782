import { Cron } from "croner";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";

/**
 * When a cron expression is due, in a time zone.
 *
 * Where clocks change: a time of day that does not exist is due at the next moment that does, one that comes twice is due the
 * first time, and what is due each hour or minute is due at each real one.
 */
export class CronTimes {
  readonly #cron: Cron;

  /**
   * @param what - whose it is, for the error
   * @throws {DeclarationError} for an expression or a time zone that does not exist, or a time that never comes
   */
  constructor(expression: string, timezone: string, what: string) {
    if (typeof expression !== "string" || expression.trim() === "") throw wrongCron(what, expression, undefined);
    checkTimezone(timezone, what);
    try {
      this.#cron = new Cron(expression, { timezone, paused: true });
    } catch (error) {
      throw wrongCron(what, expression, error);
    }
    if (this.next(0) === undefined)
      throw new DeclarationError(`${what}: ${JSON.stringify(expression)} names a time that never comes.`);
  }

  /** The first time after `afterMs`; `undefined` if there is none. Milliseconds since the Unix epoch. */
  next(afterMs: number): number | undefined {
    return this.#cron.nextRun(new Date(afterMs))?.getTime();
  }
}

function checkTimezone(timezone: unknown, what: string): void {
  try {
    if (typeof timezone === "string" && timezone !== "") {
      new Intl.DateTimeFormat("en", { timeZone: timezone });
      return;
    }
  } catch {
    // Said below.
  }
  throw new DeclarationError(
    `${what}: timezone must be the name of a time zone, such as "Europe/Berlin" or "UTC", but got ${formatValue(timezone)}.`,
  );
}

function wrongCron(what: string, expression: unknown, cause: unknown): DeclarationError {
  const detail = cause instanceof Error ? ` (${cause.message.replace(/^CronPattern: /, "")})` : "";
  return new DeclarationError(
    `${what}: the time must be a cron expression of minute, hour, day of month, month and day of week, such as "0 3 * * *" for three o'clock each night, but got ${formatValue(expression)}${detail}.`,
    { cause },
  );
}
