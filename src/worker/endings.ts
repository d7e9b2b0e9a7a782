import type { AfterwordError } from "../internal/afterword-error.ts";
import type { Client } from "../tasks/client.ts";
import type { Delivery } from "../tasks/delivery.ts";
import type { Ending } from "../tasks/ending.ts";
import { jobEnded, publishEnded } from "../tasks/job-channels.ts";
import { JobError } from "../tasks/job-error.ts";
import { resultToJson } from "../tasks/json-value.ts";
import { retryDelayMs } from "../tasks/retry.ts";
import type { TaskDefinition } from "../tasks/task-definition.ts";
import { toFailure, type Failure } from "./failure.ts";
import type { ThreadOutcome } from "./threads/thread-messages.ts";

/** Who is told of what becomes of deliveries. Must not throw. */
export interface ExecuteWatcher {
  started(delivery: Delivery): void;
  /** Its function is about to be called in this event loop, and in no thread. */
  calls(delivery: Delivery): void;
  /** @param error - what was thrown, for endings that are failures */
  ended(delivery: Delivery, ending: Ending, error: unknown): void;
}

/** Runs attempts of tasks that asked for a thread. */
export interface ThreadRunner {
  /**
   * @param started - called when the function is about to be called
   * @returns what the thread said of it; rejects with an `AfterwordError` if the thread ended without saying anything
   */
  run(delivery: Delivery, definition: TaskDefinition, started: () => void): Promise<ThreadOutcome>;
}

/** What executing needs of its worker. */
export interface ExecuteContext {
  /** What `enqueue` inside a job uses. */
  readonly client: Client;
  readonly watcher: ExecuteWatcher | undefined;
  readonly threads: ThreadRunner;
}

/** The ending of what a thread has said. */
export function endLike(outcome: ThreadOutcome, delivery: Delivery, context: ExecuteContext): Ending {
  if ("result" in outcome) return end(delivery, { status: "succeeded", result: outcome.result }, context, undefined);
  const ending = endedByAbort(delivery) ?? failed(delivery, outcome.failure);
  return end(delivery, ending, context, new JobError(outcome.failure.error));
}

/** The ending of a function that has returned: what it returned may be nothing that can be kept. */
export function succeed(
  delivery: Delivery,
  definition: TaskDefinition,
  result: unknown,
  context: ExecuteContext,
): Ending {
  try {
    return end(delivery, { status: "succeeded", result: resultToJson(result, definition.name) }, context, undefined);
  } catch (error) {
    return fail(delivery, definition, context, error);
  }
}

/** The ending of an attempt in which something was thrown. */
export function fail(
  delivery: Delivery,
  definition: TaskDefinition | undefined,
  context: ExecuteContext,
  error: unknown,
): Ending {
  const ending = endedByAbort(delivery) ?? failed(delivery, toFailure(error, delivery.job, definition));
  return end(delivery, ending, context, error);
}

/** How a delivery ends that was aborted: canceled; or, if the job is somebody else's by now, in a way that nobody will store. */
export function aborted(reason: AfterwordError): Ending {
  return reason.code === "canceled" ? { status: "canceled", reason: reason.message } : { status: "released" };
}

/** What is thrown after an abort is its consequence. */
function endedByAbort({ abortReason }: Delivery): Ending | undefined {
  return abortReason && abortReason.code !== "timeout" ? aborted(abortReason) : undefined;
}

function failed({ job }: Delivery, { error, hasAnother }: Failure): Ending {
  if (!hasAnother) return { status: "failed", error };
  return { status: "retry", error, delayMs: retryDelayMs(job.backoff, job.attempt, Math.random()) };
}

/** Tells of an ending. */
export function end(delivery: Delivery, ending: Ending, { client, watcher }: ExecuteContext, error: unknown): Ending {
  watcher?.ended(delivery, ending, error);
  if (jobEnded.hasSubscribers) publishEnded(delivery, client.broker.name, ending, error);
  return ending;
}
