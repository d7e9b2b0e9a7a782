import type { FailedAttempt, JobErrorData } from "../../tasks/job.ts";

/** All headers of a message have to fit into one frame of AMQP: amqplib takes up to 64 KiB. */
const maxErrorBytes = 16_000;
const maxFailuresBytes = 24_000;
const shortMessage = 1_000;

/** An error that fits into a header: if it does not as it is, it loses its stack, and then the end of its message. */
export function cutError<E extends JobErrorData>(error: E, maxBytes: number = maxErrorBytes): E {
  if (bytesOf(error) <= maxBytes) return error;
  const bare = { ...error, stack: undefined };
  return bytesOf(bare) <= maxBytes ? bare : { ...bare, message: error.message.slice(0, shortMessage) };
}

/** The last of the failed attempts, as many as fit; older ones lose their stacks first. */
export function cutFailures(failures: readonly FailedAttempt[]): readonly FailedAttempt[] {
  const kept: FailedAttempt[] = [];
  let leftBytes = maxFailuresBytes;
  for (const failure of failures.toReversed()) {
    const cut = cutError(failure, Math.min(leftBytes, maxErrorBytes));
    leftBytes -= bytesOf(cut);
    if (leftBytes < 0) break;
    kept.unshift(cut);
  }
  return kept;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
