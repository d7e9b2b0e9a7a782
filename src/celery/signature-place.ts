import type { JsonObject } from "./json.ts";
import { bodyOf, partsOf, type Signature } from "./signature.ts";
import { readOptions } from "./signature-options.ts";

/** Where a signature stands in what is called: what its result is named, counted under and followed by. */
export interface Place {
  readonly id?: string | undefined;
  readonly groupId?: string | undefined;
  readonly groupIndex?: number | undefined;
  readonly chord?: Signature | undefined;
  /** The next one first. */
  readonly chain?: readonly Signature[];
  readonly link?: readonly Signature[];
  readonly linkError?: readonly Signature[];
}

/**
 * The signature with its place among its options, and an id if it has none: that of a chain is its last task's, that of a chord
 * its body's. An id or a group that it has already stays; what it was promised under.
 */
export function placeSignature(signature: Signature, place: Place, createId: () => string): Signature {
  const own = readOptions(signature);
  const groupId = own.groupId ?? place.groupId;
  const groupIndex = place.groupIndex ?? own.groupIndex;
  const chord = place.chord ?? own.chord;
  const chain = place.chain === undefined || place.chain.length === 0 ? own.chain : place.chain;
  const options: JsonObject = {
    ...signature.options,
    task_id: promisedId(signature) ?? place.id ?? createId(),
    ...(groupId !== undefined && { group_id: groupId }),
    ...(groupIndex !== undefined && { group_index: groupIndex }),
    ...(chord !== undefined && { chord }),
    ...(chain.length > 0 && { chain: chain.toReversed() }),
    ...listOption("link", own.link, place.link),
    ...listOption("link_error", own.linkError, place.linkError),
  };
  return { ...signature, options };
}

/** The place that a signature has by its own options. */
export function placeOf(signature: Signature): Place {
  const { taskId: id, groupId, groupIndex, chord, chain, link, linkError } = readOptions(signature);
  return { id, groupId, groupIndex, chord, chain, link, linkError };
}

/** The id that its result has been promised under: of a chain its last task's, of a chord its body's. */
export function promisedId(signature: Signature): string | undefined {
  const { taskId } = readOptions(signature);
  switch (signature.subtask_type) {
    case "chain": {
      const last = partsOf(signature).at(-1);
      return (last && promisedId(last)) ?? taskId;
    }
    case "chord":
      return promisedId(bodyOf(signature)) ?? taskId;
    default:
      return taskId;
  }
}

function listOption(name: string, own: readonly Signature[], more: readonly Signature[] = []): JsonObject {
  return more.length === 0 ? {} : { [name]: [...own, ...more] };
}
