import { Fields } from "./fields.ts";
import { formatNaiveIsoTime, parseIsoTime } from "./iso-time.ts";
import { isJsonObject, parsePythonJson, stringifyJson, type JsonObject, type JsonValue } from "./json.ts";
import { decodePythonError, encodePythonError, type PythonError } from "./python-error.ts";
import { decodeResultTree, encodeResultTree, type ResultTree } from "./result-tree.ts";
import { decodeTypedValues } from "./typed-value.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

/** Where a task is. Tasks may have states of their own, such as `PROGRESS`. */
export type TaskState =
  | "PENDING"
  | "RECEIVED"
  | "STARTED"
  | "RETRY"
  | "SUCCESS"
  | "FAILURE"
  | "REVOKED"
  | (string & Record<never, never>);

/** What the result backend holds of a task. */
export interface TaskResult {
  readonly id: string;
  readonly state: TaskState;
  /** What it returned, or what a state of its own says of itself; of a failure `null`. */
  readonly result: JsonValue;
  /** Of `FAILURE`, `RETRY` (why), `REVOKED`. */
  readonly error: PythonError | undefined;
  readonly traceback: string | undefined;
  /** What it has sent. */
  readonly children: readonly ResultTree[];
  /** When it ended; milliseconds since the Unix epoch. Only of states that are final. */
  readonly doneAt: number | undefined;
  readonly groupId: string | undefined;
  readonly parentId: string | undefined;
  /** Everything else: of senders with `result_extended` `name`, `args`, `kwargs`, `worker`, `retries` and `queue`. */
  readonly extended: JsonObject;
}

/** What {@link encodeTaskResult} needs at least. */
export type NewTaskResult = Pick<TaskResult, "id" | "state"> & {
  readonly [K in keyof TaskResult]?: TaskResult[K];
};

/** Whether a state is the last one. */
export function isFinalState(state: TaskState): boolean {
  return state === "SUCCESS" || state === "FAILURE" || state === "REVOKED";
}

/** Whether a result of that state is an error. */
export function isErrorState(state: TaskState): boolean {
  return state === "FAILURE" || state === "RETRY" || state === "REVOKED";
}

/** The JSON text that the result backend keeps and publishes under {@link resultKey} (celery/backends/base.py). */
export function encodeTaskResult(result: NewTaskResult): string {
  return stringifyJson(toWireResult(result));
}

/** A result by the names of the wire. */
export function toWireResult(result: NewTaskResult): JsonObject {
  return {
    status: result.state,
    result: result.error === undefined ? (result.result ?? null) : encodePythonError(result.error),
    traceback: result.traceback ?? null,
    children: (result.children ?? []).map(encodeResultTree),
    date_done: result.doneAt === undefined ? null : formatNaiveIsoTime(result.doneAt),
    ...(result.groupId !== undefined && { group_id: result.groupId }),
    ...(result.parentId !== undefined && { parent_id: result.parentId }),
    ...result.extended,
    task_id: result.id,
  };
}

const known = new Set(["status", "result", "traceback", "children", "date_done", "group_id", "parent_id", "task_id"]);

/**
 * What such a text says.
 *
 * @throws {UndecodableMessage} `invalid_result`, `invalid_json`, `too_deep`
 */
export function decodeTaskResult(text: string): TaskResult {
  return toTaskResult(parsePythonJson(text, "The result"));
}

/**
 * What such a value says.
 *
 * @throws {UndecodableMessage} `invalid_result`
 */
export function toTaskResult(value: JsonValue): TaskResult {
  if (!isJsonObject(value)) throw new UndecodableMessage("invalid_result", "The result is no object.");
  const fields = new Fields(value, "invalid_result", "The result's");
  const state = fields.requiredString("status");
  const result = fields.value("result") ?? null;
  const doneAt = fields.string("date_done");
  return {
    id: fields.requiredString("task_id"),
    state,
    result: isErrorState(state) ? null : decodeTypedValues(result),
    error: isErrorState(state) ? decodePythonError(result) : undefined,
    traceback: fields.shownString("traceback"),
    children: (fields.list("children") ?? []).map((child) => decodeResultTree(child)),
    doneAt: doneAt === undefined ? undefined : parseIsoTime(doneAt),
    groupId: fields.string("group_id"),
    parentId: fields.string("parent_id"),
    extended: Object.fromEntries(Object.entries(value).filter(([name]) => !known.has(name))),
  };
}

/** Where the result backend keeps what is known of a task, and the channel where it says so. */
export function resultKey(taskId: string): string {
  return `celery-task-meta-${taskId}`;
}
