import type { JsonObject, JsonValue } from "../../celery/json.ts";
import type { TaskMessage } from "../../celery/message.ts";
import { toErrorName, toPythonError, type PythonError } from "../../celery/python-error.ts";
import { encodeTaskResult, type NewTaskResult, type TaskResult } from "../../celery/result.ts";
import type { Ending } from "../../tasks/ending.ts";
import type { JobErrorData } from "../../tasks/job.ts";

/** The field of a result in which an error of ours stands as it is, for those who can read it. */
const errorField = "afterword_error";
const celeryModule = "celery.exceptions";

/** What becomes of the task of a message, in Celery's words. */
export function toTaskResult(
  message: TaskMessage,
  ending: Exclude<Ending, { status: "released" }>,
  nowMs: number,
): NewTaskResult {
  const common = { id: message.id, groupId: message.group, parentId: message.parentId };
  switch (ending.status) {
    case "succeeded":
      return { ...common, state: "SUCCESS", result: JSON.parse(ending.result) as JsonValue, doneAt: nowMs };
    case "failed":
      return { ...common, ...failure(ending.error), state: "FAILURE", doneAt: nowMs };
    case "retry":
      return { ...common, ...failure(ending.error), state: "RETRY" };
    case "canceled":
      return { ...common, state: "REVOKED", error: revoked(ending.reason), doneAt: nowMs };
  }
}

/** What becomes of a task of which no more than its id is known. */
export function toFailure(id: string, error: JobErrorData, doneAt: number | undefined): NewTaskResult {
  return { id, ...failure(error), state: "FAILURE", ...(doneAt !== undefined && { doneAt }) };
}

/** The text that is stored for it. */
export function encodeOutcome(result: NewTaskResult): readonly [string, string] {
  return [result.id, encodeTaskResult(result)];
}

function failure(error: JobErrorData): Pick<TaskResult, "error" | "traceback" | "extended"> {
  const { name, message, code, stack } = error;
  return {
    error: toPython(error),
    traceback: stack ?? `${name}: ${message}`,
    extended: { [errorField]: { name, message, ...(code !== undefined && { code }) } },
  };
}

/** What Celery's own worker says of a task that it does not know, or whose parts have failed, keeps its name. */
function toPython(error: JobErrorData): PythonError {
  const own = error.code === undefined ? undefined : celeryNames[error.code];
  return own === undefined
    ? toPythonError(error)
    : { name: own, message: error.message, module: celeryModule, args: [error.message] };
}

const celeryNames: Readonly<Record<string, string>> = {
  unknown_task: "NotRegistered",
  undecodable: "InvalidTaskError",
  chord_part_failed: "ChordError",
  worker_lost: "WorkerLostError",
  timeout: "TimeLimitExceeded",
};

/** What is stored for a task that will never run. */
export function encodeRevoked(id: string, reason: string, nowMs: number): string {
  return encodeTaskResult({ id, state: "REVOKED", error: revoked(reason), doneAt: nowMs });
}

function revoked(reason: string): PythonError {
  return { name: "TaskRevokedError", message: reason, module: celeryModule, args: [reason] };
}

/** What a task says that has expired. */
export function expiredResult(message: TaskMessage, nowMs: number): NewTaskResult {
  return { id: message.id, state: "REVOKED", error: revoked("expired"), doneAt: nowMs };
}

/** The error of a result, as ours or as Python's. */
export function toErrorData({ error, traceback, extended }: TaskResult): JobErrorData {
  const own = extended[errorField] as JsonObject | undefined;
  const stack = traceback === undefined ? {} : { stack: traceback };
  if (typeof own === "object" && typeof own.name === "string" && typeof own.message === "string")
    return {
      name: own.name,
      message: own.message,
      ...(typeof own.code === "string" && { code: own.code }),
      ...stack,
    };
  const python = error ?? { name: "Exception", message: "", module: "builtins", args: [] };
  const code = Object.keys(celeryNames).find((key) => celeryNames[key] === python.name);
  return {
    name: toErrorName(python),
    message: python.message,
    ...(python.module === celeryModule && code !== undefined && { code }),
    ...stack,
  };
}
