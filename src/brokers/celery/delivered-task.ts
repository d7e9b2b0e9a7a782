import type { TaskMessage } from "../../celery/message.ts";
import { collectName } from "../../tasks/collect.ts";
import type { DeliveredJob } from "../../tasks/job.ts";
import { workerLost } from "../pulled/part-results.ts";
import type { TaskEnding } from "./conclusion.ts";
import { accumulate } from "./job-canvas.ts";
import { readMeta, readOddArguments, readSettings } from "./job-headers.ts";
import type { Taken } from "./transport.ts";

/** How a message ends that must not run, if so. */
export function toUnrun(
  taken: Taken,
  message: TaskMessage,
  maxDeliveries: number,
  nowMs: number,
): TaskEnding | undefined {
  if (taken.revoked !== undefined) return { status: "canceled", reason: taken.revoked };
  if (message.expires !== undefined && message.expires <= nowMs) return { status: "expired" };
  if (taken.deliveries > maxDeliveries) return { status: "failed", error: workerLost(taken.deliveries - 1) };
  return undefined;
}

/** What a worker needs to run the task of a message. */
export function toDelivered(taken: Taken, message: TaskMessage): DeliveredJob {
  const { attempts, backoff, timeoutMs } = readSettings(message);
  return {
    id: message.id,
    task: message.task === accumulate ? collectName : message.task,
    queue: taken.queue,
    args: toArgs(message),
    attempt: message.retries + 1,
    attempts,
    deliveries: taken.deliveries,
    backoff,
    timeoutMs: timeoutMs ?? undefined,
    meta: readMeta(message),
    epoch: taken.epoch,
  };
}

/** Keyword arguments become one object behind the others. */
function toArgs(message: TaskMessage): string {
  const { task, args, kwargs } = message;
  const odd = readOddArguments(message);
  if (odd !== undefined) return odd;
  if (task === accumulate) {
    const { index } = kwargs;
    return JSON.stringify([typeof index === "number" ? (args[index] ?? null) : args]);
  }
  return JSON.stringify(Object.keys(kwargs).length > 0 ? [...args, kwargs] : args);
}
