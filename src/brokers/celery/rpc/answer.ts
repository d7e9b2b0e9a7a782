import { isJsonObject, parsePythonJson, type JsonObject } from "../../../celery/json.ts";
import type { ReceivedMessage, WireMessage } from "../../../celery/message.ts";
import { decodeTaskResult, encodeTaskResult, isFinalState } from "../../../celery/result.ts";
import { decodeRpcResult, encodeRpcResult } from "../../../celery/rpc-result.ts";

/** What only programs of ours read in an answer. */
const noteHeader = "afterword";
/** More than this has no room in a header. */
const maxNoteBytes = 32_768;

/** What an answer says of a job beyond its result, for who keeps the record of it. */
export interface AnswerNote {
  readonly record: Readonly<Record<string, string>>;
  /** What is kept of it after its end, in milliseconds. */
  readonly keepMs?: number | undefined;
  /** How an attempt failed, as JSON. */
  readonly failure?: string | undefined;
  readonly log?: readonly string[] | undefined;
  /** The ids of those that were sent because of it. */
  readonly sent?: readonly string[] | undefined;
  /** Fields of the result that Celery's form of an answer has no place for. */
  readonly extended?: JsonObject | undefined;
}

/** What was heard of a task. */
export interface Answer {
  readonly id: string;
  /** Celery's result; `undefined` if it has none, not any more either. */
  readonly text: string | undefined;
  readonly note: AnswerNote | undefined;
}

/** The message of an answer, to whoever has sent the task. */
export function encodeAnswer({ id, text, note }: Answer): WireMessage {
  const result = text === undefined ? { id, state: "PENDING", extended: {} } : decodeTaskResult(text);
  const wire = encodeRpcResult(result, id);
  if (note === undefined) return wire;
  const full = JSON.stringify({ ...note, extended: result.extended });
  // Its result tells what matters.
  const told = Buffer.byteLength(full) <= maxNoteBytes ? full : JSON.stringify({ record: cut(note.record) });
  return { ...wire, headers: { [noteHeader]: told } };
}

/** @throws {UndecodableMessage} */
export function decodeAnswer(received: ReceivedMessage): Answer {
  const result = decodeRpcResult(received);
  const note = decodeNote((received.headers as Readonly<Record<string, unknown>> | undefined)?.[noteHeader]);
  const doneAt = isFinalState(result.state) ? Date.now() : undefined;
  const text =
    result.state === "PENDING" ? undefined : encodeTaskResult({ ...result, doneAt, extended: note?.extended ?? {} });
  return { id: result.id, text, note };
}

/** What a note may change of a record; those that hold JSON are read by others. */
const textFields = [
  "state",
  "worker",
  "startedAt",
  "retries",
  "deliveries",
  "runAt",
  "endedAt",
  "reason",
  "progressAt",
] as const;
const jsonFields = ["result", "progress"] as const;

/** Anybody may send one: of what is not as we write it nothing is taken. */
function decodeNote(text: unknown): AnswerNote | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const note = parsePythonJson(text, "The note");
    if (!isJsonObject(note) || !isJsonObject(note.record)) return undefined;
    const { record, keepMs, failure, log, sent, extended } = note;
    return {
      record: Object.fromEntries([
        ...textFields.flatMap((name) => (typeof record[name] === "string" ? [[name, record[name]] as const] : [])),
        ...jsonFields.flatMap((name) => (isJsonText(record[name]) ? [[name, record[name]] as const] : [])),
      ]),
      keepMs: typeof keepMs === "number" ? keepMs : undefined,
      failure: isJsonText(failure) ? failure : undefined,
      log: toTexts(log),
      sent: toTexts(sent),
      extended: isJsonObject(extended) ? extended : {},
    };
  } catch {
    // Somebody else's header of that name.
    return undefined;
  }
}

function isJsonText(value: unknown): value is string {
  try {
    return typeof value === "string" && JSON.parse(value) !== undefined;
  } catch {
    return false;
  }
}

function toTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function cut(record: AnswerNote["record"]): AnswerNote["record"] {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== "result"));
}
