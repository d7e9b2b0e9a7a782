import { DeclarationError } from "./afterword-error.ts";

/** Milliseconds as a number, or a number with a unit: `"250ms"`, `"30s"`, `"5m"`, `"2h"`, `"7d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Milliseconds of a duration.
 *
 * @param what - what the duration is for, as it should stand in the error: `"timeout"`
 * @throws {DeclarationError} for anything that is not a finite duration of zero or more
 */
export function parseDuration(duration: Duration, what: string): number {
  if (typeof duration === "number") {
    if (Number.isFinite(duration) && duration >= 0) return duration;
  } else if (typeof duration === "string") {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration);
    if (match) return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  }
  throw new DeclarationError(
    `${what} must be a number of milliseconds or a string such as "250ms", "30s", "5m", "2h" or "7d", but got ${JSON.stringify(duration) ?? String(duration)}.`,
  );
}

/** A duration for people: `"250 ms"`, `"1.5 s"`, `"25 s"`, `"2 min"`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  return `${Number((ms / 60_000).toFixed(1))} min`;
}
