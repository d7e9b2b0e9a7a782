import { formatValue } from "../internal/format-value.ts";

/** What was thrown, in words. Never throws itself: anything may be thrown, also what cannot become a text. */
export function describeThrown(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return formatValue(error);
  }
}
