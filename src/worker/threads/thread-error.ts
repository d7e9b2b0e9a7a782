import { AfterwordError } from "../../internal/afterword-error.ts";
import { formatValue } from "../../internal/format-value.ts";

/**
 * What a thread died of while it ran a job, as an error of ours.
 *
 * @param cause - what its pool was told: the error that nobody caught, or the exit code in a sentence
 */
export function toThreadError(cause: unknown, task: string): AfterwordError {
  const exitCode = exitCodeOf(cause);
  if (exitCode !== undefined)
    return new AfterwordError(
      "thread_exited",
      `Task "${task}" ended its worker thread with process.exit(${exitCode}). Return from the function, or throw an error, instead.`,
    );
  if (cause instanceof Error && "code" in cause && cause.code === "ERR_WORKER_OUT_OF_MEMORY")
    return new AfterwordError(
      "thread_out_of_memory",
      `The worker thread of task "${task}" reached its limit of memory and was ended: ${cause.message}. Let it work on smaller parts, or raise threads.resourceLimits of the worker.`,
      { cause },
    );
  return new AfterwordError(
    "thread_crashed",
    `The worker thread of task "${task}" ended by an error that nobody caught: ${cause instanceof Error ? `${cause.name}: ${cause.message}` : formatValue(cause)}. Such errors come from callbacks, and from promises that nobody awaits.`,
    { cause },
  );
}

/** The code with which a thread has ended by itself, by what the pool says of it. */
function exitCodeOf(cause: unknown): number | undefined {
  const code = cause instanceof Error ? /^worker exited with code: (\d+)$/.exec(cause.message)?.[1] : undefined;
  return code === undefined ? undefined : Number(code);
}
