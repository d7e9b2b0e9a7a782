import { AfterwordError } from "../../internal/afterword-error.ts";
import { StoreError } from "../../tasks/store-error.ts";

/** The five characters by which PostgreSQL says what went wrong; `undefined` if the server did not say it. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Whether the connection is of no use any more: it broke, or the server ends it. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined || state.startsWith("08") || state.startsWith("57P") || state === "25P03";
}

/** Whether the same may succeed now: transactions were in each other's way. */
export function isWorthRepeating(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === "40P01" || state === "40001";
}

/** Whether a job was to be stored for a queue that pg-boss does not know any more. */
export function isQueueGone(error: unknown): boolean {
  return sqlStateOf((error as { cause?: unknown }).cause) === "23503";
}

/** What went wrong and how to mend it. */
export function explain(error: unknown, place: string): string {
  const message = messageOf(error);
  switch (sqlStateOf(error)?.slice(0, 2)) {
    case undefined:
      return `PostgreSQL at ${place} cannot be reached: ${message}. See whether it runs and whether the URL is right.`;
    case "28":
      return `PostgreSQL at ${place} refuses the user: ${message}. See to the user and the password of the URL.`;
    case "3D":
      return `PostgreSQL at ${place} has no such database: ${message}. Create it first.`;
    case "42":
      return `A table of pg-boss or of Afterword at ${place} is not as it should be, or must not be used: ${message}. See whether the user may use the schemas, or open the broker anew to create what is missing.`;
    case "53":
      return `PostgreSQL at ${place} has no room: ${message}. Raise its limits, or make room on its disk.`;
    case "57":
      return `PostgreSQL at ${place} ended what it was asked: ${message}.`;
    case "55":
    case "40":
      return `PostgreSQL at ${place} was kept waiting by other transactions: ${message}. End those that are open for long.`;
    default:
      return `PostgreSQL at ${place} did not do what it was asked: ${message}.`;
  }
}

/** @param isSure - whether nothing can have happened */
export function toStoreError(error: unknown, place: string, isSure: boolean): AfterwordError {
  if (error instanceof AfterwordError) return error;
  return new StoreError(isSure ? "not_stored" : "maybe_stored", explain(error, place), { cause: error });
}

function messageOf(error: unknown): string {
  // Connecting by a name with several addresses fails with one error for each.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
