import { dispatchErrbacks, dispatchSignature, dispatchSuccessors } from "../../celery/canvas.ts";
import type { Dispatch, DispatchContext } from "../../celery/dispatch.ts";
import { decodeChordMember, encodeChordMember } from "../../celery/group-result.ts";
import { isJsonObject } from "../../celery/json.ts";
import type { TaskMessage } from "../../celery/message.ts";
import { isErrorState, isFinalState, type NewTaskResult } from "../../celery/result.ts";
import type { Signature } from "../../celery/signature.ts";
import { readOptions } from "../../celery/signature-options.ts";
import type { Ending } from "../../tasks/ending.ts";
import { findTask } from "../../tasks/registry.ts";
import { definitionOf } from "../../tasks/task-definition.ts";
import type { Canvas } from "./job-canvas.ts";
import { readSettings } from "./job-headers.ts";
import { encodeOutcome, expiredResult, toFailure, toTaskResult } from "./task-outcome.ts";
import type { Conclusion, RecordChange, Taken } from "./transport.ts";

/** How a task ends, also one that was never run. */
export type TaskEnding = Exclude<Ending, { status: "released" }> | { readonly status: "expired" };

/** What is needed to say what follows. */
export interface ConclusionContext extends Pick<DispatchContext, "nowMs" | "createId"> {
  /** Where what names no queue goes, if it is no task of this process. */
  readonly defaultQueue: string;
}

/** What an ending means: what is stored for the task and for those that will now never run, and what is sent. */
export function conclude(
  queue: string,
  message: TaskMessage,
  ending: TaskEnding,
  context: ConclusionContext,
): { readonly conclusion: Conclusion; readonly result: NewTaskResult } {
  const { nowMs } = context;
  const result = ending.status === "expired" ? expiredResult(message, nowMs) : toTaskResult(message, ending, nowMs);
  const conclusion: Conclusion = {
    record: toRecordChange(message, ending),
    results: message.ignoreResult ? [] : [encodeOutcome(result), ...toPropagated(message, result)],
    ...toFollowing(queue, message, ending, result, context),
    part: toPart(message, result),
  };
  return { conclusion, result };
}

/** What is stored for a message that cannot be read: a failure under its id, if it says one. */
export function refuse({ content }: Pick<Taken, "content">, error: Error, nowMs: number): Conclusion {
  const { id, ignore_result } = isJsonObject(content.headers) ? content.headers : {};
  const failure = { name: error.name, message: error.message, code: "undecodable" };
  const hasReader = typeof id === "string" && id !== "" && ignore_result !== true;
  return {
    record: { status: "failed", keepMs: 86_400_000, runInMs: undefined, reason: undefined, failure: undefined },
    results: hasReader ? [encodeOutcome(toFailure(id, failure, nowMs))] : [],
    sends: [],
    chords: [],
    part: undefined,
  };
}

/** What a chord does when all its parts have ended, or one has failed. */
export function completeChord(
  message: TaskMessage,
  members: readonly string[],
  context: ConclusionContext,
): Pick<Conclusion, "results" | "sends" | "chords"> {
  const parts = members.map(decodeChordMember);
  const body = message.chord!;
  const inner = { ...context, rootId: message.rootId, parentId: message.id, replyTo: message.replyTo };
  const failed = parts.find(({ state }) => isErrorState(state));
  if (failed === undefined) {
    const results = parts.map(({ result }) => result);
    return { results: [], ...merge([dispatchSignature(body, { ...inner, args: [results] })], context) };
  }
  const [first] = dispatchSignature(body, { ...inner, args: [[]] }).sends;
  if (first === undefined) return { results: [], sends: [], chords: [] };
  const { name = "Exception", message: text = "" } = failed.error ?? {};
  const why = `Dependency ${failed.id} raised ${name}(${JSON.stringify(text)})`;
  const result = toTaskResult(first.message, chordFailed(why), context.nowMs);
  return {
    results: [encodeOutcome(result), ...toPropagated(first.message, result)],
    ...merge(dispatchErrbacks(first.message, context), context),
  };
}

function toPart(message: TaskMessage, { state, result = null, error }: NewTaskResult): Conclusion["part"] {
  const { id, chord, group, groupIndex } = message;
  if (!isFinalState(state) || chord === undefined || group === undefined) return undefined;
  const member = encodeChordMember({ id, state, result, error });
  return { groupId: group, index: groupIndex, member, isFailed: state !== "SUCCESS" };
}

function toFollowing(
  queue: string,
  message: TaskMessage,
  ending: TaskEnding,
  { result = null }: NewTaskResult,
  context: ConclusionContext,
): Pick<Canvas, "sends" | "chords"> {
  switch (ending.status) {
    case "succeeded":
      return merge(dispatchSuccessors(message, result, { ...context, replyTo: message.replyTo }), context);
    case "failed":
      return merge(dispatchErrbacks(message, { ...context, replyTo: message.replyTo }), context);
    case "retry": {
      const eta = context.nowMs + ending.delayMs;
      const again = { ...message, retries: message.retries + 1, eta, expires: undefined };
      return { sends: [{ message: again, queue }], chords: [] };
    }
    default:
      return { sends: [], chords: [] };
  }
}

function merge(dispatches: readonly Dispatch[], { defaultQueue }: ConclusionContext): Pick<Canvas, "sends" | "chords"> {
  return {
    sends: dispatches.flatMap(({ sends }) =>
      sends.map(({ message, queue }) => ({ message, queue: queue ?? queueOfTask(message.task) ?? defaultQueue })),
    ),
    chords: dispatches.flatMap(({ chords }) => chords),
  };
}

/** Where the calls of a task go that this process has. */
function queueOfTask(name: string): string | undefined {
  const task = findTask(name);
  return task && definitionOf(task).config.queue;
}

/** What follows in a chain that has failed will never run, and whoever waits for it is told (celery/backends/base.py). */
function toPropagated(message: TaskMessage, result: NewTaskResult): readonly (readonly [string, string])[] {
  if (result.state !== "FAILURE" && result.state !== "REVOKED") return [];
  return [...message.chain, ...message.callbacks].flatMap((signature) => failedSignature(signature, message, result));
}

/** The results of a signature that will not be called, and of all that would have followed. */
function failedSignature(
  signature: Signature,
  message: TaskMessage,
  result: NewTaskResult,
): readonly (readonly [string, string])[] {
  const { taskId, chain, link, chord } = readOptions(signature);
  const why = `It waited for others, and task ${message.id} ended as ${result.state}: ${result.error?.message ?? ""}`;
  const own =
    taskId === undefined
      ? []
      : [encodeOutcome({ ...toTaskResult(message, chordFailed(why), result.doneAt ?? Date.now()), id: taskId })];
  const following = [...chain, ...link, ...(isJsonObject(chord) ? [chord as Signature] : [])];
  return [...own, ...following.flatMap((next) => failedSignature(next, message, result))];
}

function chordFailed(message: string): Extract<Ending, { status: "failed" }> {
  return { status: "failed", error: { name: "ChordError", message, code: "chord_part_failed" } };
}

/** The text, if it is written in another way than JSON.stringify does. */
function oddText(json: string): string | undefined {
  return JSON.stringify(JSON.parse(json)) === json ? undefined : json;
}

function toRecordChange(message: TaskMessage, ending: TaskEnding): RecordChange {
  const { keepResultMs, keepFailedMs } = readSettings(message);
  const nothing = { keepMs: keepResultMs, runInMs: undefined, reason: undefined, failure: undefined };
  const attempt = message.retries + 1;
  switch (ending.status) {
    case "succeeded":
      return { ...nothing, status: "succeeded", resultText: oddText(ending.result) };
    case "expired":
      return { ...nothing, status: "expired", reason: "expired" };
    case "canceled":
      return { ...nothing, status: "canceled", reason: ending.reason };
    case "failed":
      return { ...nothing, status: "failed", keepMs: keepFailedMs, failure: { ...ending.error, attempt } };
    case "retry":
      return {
        ...nothing,
        status: "scheduled",
        keepMs: undefined,
        runInMs: ending.delayMs,
        failure: { ...ending.error, attempt },
      };
  }
}
