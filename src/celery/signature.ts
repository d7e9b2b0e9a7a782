import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

/**
 * A call that is made later, as it stands in messages (celery/canvas.py): what follows in a chain, a callback, the body of a
 * chord.
 */
export interface Signature extends JsonObject {
  /** Of a chain, group or chord: `celery.chain`, `celery.group`, `celery.chord`. */
  readonly task: string;
  /** What it is called with comes before them, unless it is immutable. */
  readonly args: readonly JsonValue[];
  /** Of a chain or group `{ tasks }`, of a chord `{ header, body, kwargs }`. */
  readonly kwargs: JsonObject;
  /** Those that are known: {@link SignatureOptions}. */
  readonly options: JsonObject;
  /** `"chain"`, `"group"`, `"chord"`; `null` for a plain task. */
  readonly subtask_type: string | null;
  /** Whether it is called with its own arguments only. */
  readonly immutable: boolean;
}

/** The options of a signature that Celery itself reads and writes. */
export interface SignatureOptions {
  /** The id that it will have: promised to whoever waits for it. */
  readonly task_id?: string;
  readonly root_id?: string;
  readonly parent_id?: string;
  readonly reply_to?: string;
  readonly queue?: string;
  readonly priority?: number;
  readonly group_id?: string;
  readonly group_index?: number;
  readonly chord?: Signature;
  /** The next one last. */
  readonly chain?: readonly Signature[];
  readonly link?: readonly Signature[];
  readonly link_error?: readonly Signature[];
  /** Seconds. */
  readonly countdown?: number;
  /** ISO 8601. */
  readonly eta?: string;
  /** Seconds from when it is sent, or ISO 8601. */
  readonly expires?: number | string;
  /** Seconds. */
  readonly time_limit?: number;
  /** Seconds. */
  readonly soft_time_limit?: number;
}

/** What {@link taskSignature} takes. */
export interface SignatureCall {
  readonly task: string;
  readonly args?: readonly JsonValue[];
  readonly kwargs?: JsonObject;
  readonly options?: SignatureOptions;
  /** Whether it ignores what it is called with, as `task.si(...)` does. @defaultValue false */
  readonly immutable?: boolean;
}

/** A call of one task. */
export function taskSignature(call: SignatureCall): Signature {
  return {
    task: call.task,
    args: call.args ?? [],
    kwargs: call.kwargs ?? {},
    options: (call.options ?? {}) as JsonObject,
    subtask_type: null,
    immutable: call.immutable ?? false,
  };
}

/** One after the other, each called with the result of the one before it. */
export function chainSignature(parts: readonly Signature[], options: SignatureOptions = {}): Signature {
  return {
    ...taskSignature({ task: "celery.chain", kwargs: { tasks: parts }, options }),
    subtask_type: "chain",
  };
}

/** Side by side. */
export function groupSignature(parts: readonly Signature[], options: SignatureOptions = {}): Signature {
  return {
    ...taskSignature({ task: "celery.group", kwargs: { tasks: parts }, options }),
    subtask_type: "group",
  };
}

/** Side by side, and then the body, called with the list of all results. */
export function chordSignature(
  header: readonly Signature[],
  body: Signature,
  options: SignatureOptions = {},
): Signature {
  return {
    ...taskSignature({ task: "celery.chord", kwargs: { kwargs: {}, header, body }, options }),
    subtask_type: "chord",
  };
}

/** The parts of a chain or group, or of the header of a chord; of a plain task none. */
export function partsOf(signature: Signature): readonly Signature[] {
  const { tasks, header } = signature.kwargs;
  switch (signature.subtask_type) {
    case "chain":
    case "group":
      return toList(tasks);
    case "chord":
      return isJsonObject(header) ? [header as Signature] : toList(header);
    default:
      return [];
  }
}

/** The body of a chord. */
export function bodyOf(chord: Signature): Signature {
  return chord.kwargs.body as Signature;
}

/**
 * How many results of a chord's part must be there before the body runs: of a plain task 1, of a group all of its parts', of a
 * chain its last one's, of a chord its body's.
 */
export function chordSize(part: Signature): number {
  switch (part.subtask_type) {
    case "group":
      return partsOf(part).reduce((size, inner) => size + chordSize(inner), 0);
    case "chain":
      return partsOf(part).reduceRight((size, inner) => size || chordSize(inner), 0);
    case "chord":
      return chordSize(bodyOf(part));
    default:
      return 1;
  }
}

function toList(value: JsonValue | undefined): readonly Signature[] {
  return (Array.isArray(value) ? value : []) as readonly Signature[];
}
