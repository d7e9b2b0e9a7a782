import type { EventFields } from "../../celery/event-fields.ts";
import { formatIsoTime } from "../../celery/iso-time.ts";
import type { TaskMessage } from "../../celery/message.ts";
import { reprException } from "../../celery/python-repr.ts";
import type { NewTaskResult } from "../../celery/result.ts";
import { reprArguments, reprKeywords, reprValue } from "../../celery/safe-repr.ts";

type TaskEventType = Extract<keyof EventFields, `task-${string}`>;

/** An event of a task, not yet with the node and the time of it. */
export type TaskEvent = { readonly [T in TaskEventType]: readonly [type: T, fields: EventFields[T]] }[TaskEventType];

/** What is said of a task that has come. */
export function receivedEvent(message: TaskMessage): TaskEvent {
  const { id, task, args, kwargs, rootId, parentId, retries, eta, expires, argsRepr, kwargsRepr, shadow } = message;
  return [
    "task-received",
    {
      uuid: id,
      name: shadow ?? task,
      args: argsRepr ?? reprArguments(args),
      kwargs: kwargsRepr ?? reprKeywords(kwargs),
      root_id: rootId,
      parent_id: parentId ?? null,
      retries,
      eta: eta === undefined ? null : formatIsoTime(eta),
      expires: expires === undefined ? null : formatIsoTime(expires),
    },
  ];
}

/**
 * What is said of a task that has ended, or will be tried again.
 *
 * @param startedAt - `undefined` if it was not run
 */
export function endedEvent(
  { id: uuid, state, result = null, error, traceback = "" }: NewTaskResult,
  startedAt: number | undefined,
  isExpired: boolean,
  nowMs: number,
): TaskEvent {
  const exception = error === undefined ? "" : reprException(error.name, error.args);
  switch (state) {
    case "SUCCESS":
      return ["task-succeeded", { uuid, result: reprValue(result), runtime: (nowMs - (startedAt ?? nowMs)) / 1_000 }];
    case "RETRY":
      return ["task-retried", { uuid, exception, traceback }];
    case "REVOKED": {
      const terminated = startedAt !== undefined;
      return ["task-revoked", { uuid, terminated, signum: terminated ? sigterm : null, expired: isExpired }];
    }
    default:
      return ["task-failed", { uuid, exception, traceback }];
  }
}

/** What Celery ends a process with whose task was revoked. */
const sigterm = 15;
