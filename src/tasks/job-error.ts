import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { JobErrorData } from "./job.ts";

/** A stack is cut after so many characters. */
const maxStack = 8_000;
const maxMessage = 4_000;

/**
 * The error of a job that failed, as it was stored: with the name, message and stack of what was thrown in the worker, and
 * its `code` if it had one, else `job_failed`. `code` is `timeout` when an attempt took too long, `worker_lost` when its
 * worker died, `chord_part_failed` when a job that it waited for failed.
 */
export class JobError extends AfterwordError {
  constructor(data: JobErrorData) {
    super(data.code ?? "job_failed", data.message);
    this.name = data.name;
    if (data.stack !== undefined) this.stack = data.stack;
  }
}

/** An error as it is stored. Never throws, whatever was thrown. */
export function toErrorData(error: unknown): JobErrorData {
  try {
    if (!(error instanceof Error))
      return { name: "Error", message: `Thrown was ${formatValue(error, 500)}, which is no Error.` };
    const code: unknown = (error as { code?: unknown }).code;
    return {
      name: String(error.name).slice(0, 200),
      message: String(error.message).slice(0, maxMessage),
      ...((typeof code === "string" || typeof code === "number") && { code: String(code).slice(0, 200) }),
      stack: stackOf(error),
    };
  } catch {
    return { name: "Error", message: "An error was thrown that cannot be read." };
  }
}

/** The stack with those of its causes. */
function stackOf(error: Error): string | undefined {
  let text = typeof error.stack === "string" ? error.stack : undefined;
  const seen = new Set<unknown>([error]);
  for (let cause = error.cause; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause);
    text = `${text ?? ""}\nCaused by: ${cause.stack ?? String(cause)}`;
  }
  return text?.slice(0, maxStack);
}
