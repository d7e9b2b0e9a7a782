import { parsePythonJson, stringifyJson, type JsonValue } from "./json.ts";
import { decodePythonError, encodePythonError, type PythonError } from "./python-error.ts";
import { isErrorState, type TaskState } from "./result.ts";
import { decodeResultTree, encodeResultTree, type ResultTree } from "./result-tree.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

/** What a part of a chord leaves for the body when it has ended. */
export interface ChordMember {
  readonly id: string;
  readonly state: TaskState;
  /** What it returned, for the body, so that typed values are left as they are; of a failure `null`. */
  readonly result: JsonValue;
  readonly error?: PythonError | undefined;
}

/** The member of the sorted set {@link chordKeys}; its score is the part's index in the group (celery/backends/redis.py). */
export function encodeChordMember({ id, state, result, error }: ChordMember): string {
  return stringifyJson([1, id, state, error === undefined ? result : encodePythonError(error)]);
}

/**
 * What such a member says.
 *
 * @throws {UndecodableMessage} `invalid_result`, `invalid_json`, `too_deep`
 */
export function decodeChordMember(text: string): ChordMember {
  const value = parsePythonJson(text, "The chord's member");
  const [, id, state, result = null] = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  if (typeof id !== "string" || typeof state !== "string")
    throw new UndecodableMessage("invalid_result", "The chord's member is no list of 1, id, state and result.");
  return isErrorState(state)
    ? { id, state, result: null, error: decodePythonError(result) }
    : { id, state, result, error: undefined };
}

/** Where the parts of a chord are counted: who has ended, how many there are, and how many were added since. */
export function chordKeys(groupId: string): {
  readonly members: string;
  readonly size: string;
  readonly added: string;
} {
  const key = groupKey(groupId);
  return { members: `${key}.j`, size: `${key}.s`, added: `${key}.t` };
}

/** Where a group is kept that was saved. */
export function groupKey(groupId: string): string {
  return `celery-taskset-meta-${groupId}`;
}

/** The JSON text of a group that is saved: which tasks it has. */
export function encodeGroupResult(group: ResultTree): string {
  return stringifyJson({ result: encodeResultTree({ ...group, parts: group.parts ?? [] }) });
}

/**
 * What such a text says.
 *
 * @throws {UndecodableMessage} `invalid_result`, `invalid_json`, `too_deep`
 */
export function decodeGroupResult(text: string): ResultTree & { readonly parts: readonly ResultTree[] } {
  const value = parsePythonJson(text, "The group");
  const result = typeof value === "object" && value !== null && "result" in value ? value.result : null;
  const tree = decodeResultTree(result);
  return { ...tree, parts: tree.parts ?? [] };
}
