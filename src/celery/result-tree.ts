import type { JsonValue } from "./json.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

/** A result by its id: of a task, or of a group with its parts (celery/result.py, `as_tuple`). */
export interface ResultTree {
  readonly id: string;
  /** The one before it in a chain. */
  readonly parent?: ResultTree | undefined;
  /** Of a group. */
  readonly parts?: readonly ResultTree[] | undefined;
}

/** `[[id, parent], parts]` */
export function encodeResultTree(tree: ResultTree): JsonValue {
  return [
    [tree.id, tree.parent === undefined ? null : encodeResultTree(tree.parent)],
    tree.parts === undefined ? null : tree.parts.map(encodeResultTree),
  ];
}

/**
 * What such a tuple says.
 *
 * @throws {UndecodableMessage} `invalid_result`
 */
export function decodeResultTree(value: JsonValue): ResultTree {
  if (typeof value === "string") return { id: value };
  const [self, parts = null] = asList(value);
  if (typeof self === "string") return { id: self };
  const [id, parent = null] = asList(self);
  if (typeof id !== "string" || id === "") throw refused();
  return {
    id,
    ...(parent !== null && { parent: decodeResultTree(parent) }),
    ...(parts !== null && { parts: asList(parts).map((part) => decodeResultTree(part)) }),
  };
}

function asList(value: JsonValue | undefined): readonly JsonValue[] {
  if (Array.isArray(value)) return value as readonly JsonValue[];
  throw refused();
}

function refused(): UndecodableMessage {
  return new UndecodableMessage("invalid_result", "A result is named by something other than [[id, parent], parts].");
}
