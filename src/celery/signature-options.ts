import { parseIsoTime } from "./iso-time.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import type { Signature } from "./signature.ts";

/** The options of a signature in our own words. What is of a wrong type counts as absent. */
export interface ReadOptions {
  readonly taskId: string | undefined;
  readonly rootId: string | undefined;
  readonly parentId: string | undefined;
  readonly replyTo: string | undefined;
  readonly queue: string | undefined;
  readonly priority: number | undefined;
  readonly groupId: string | undefined;
  readonly groupIndex: number | undefined;
  readonly chord: Signature | undefined;
  /** The next one first. */
  readonly chain: readonly Signature[];
  readonly link: readonly Signature[];
  readonly linkError: readonly Signature[];
  readonly countdownMs: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly eta: number | undefined;
  /** From when it is sent. */
  readonly expiresMs: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly expires: number | undefined;
  readonly timeLimitMs: number | undefined;
  readonly softTimeLimitMs: number | undefined;
  readonly ignoreResult: boolean;
  readonly shadow: string | undefined;
  readonly headers: JsonObject;
}

/** The options of a signature of {@link toSignature} or of our own. */
export function readOptions({ options }: Signature): ReadOptions {
  return {
    taskId: text(options.task_id),
    rootId: text(options.root_id),
    parentId: text(options.parent_id),
    replyTo: text(options.reply_to),
    queue: text(options.queue),
    priority: count(options.priority),
    groupId: text(options.group_id),
    groupIndex: count(options.group_index),
    chord: isJsonObject(options.chord) ? (options.chord as Signature) : undefined,
    chain: list(options.chain).toReversed(),
    link: list(options.link),
    linkError: list(options.link_error),
    countdownMs: milliseconds(options.countdown),
    eta: instant(options.eta),
    expiresMs: milliseconds(options.expires),
    expires: instant(options.expires),
    timeLimitMs: milliseconds(options.time_limit),
    softTimeLimitMs: milliseconds(options.soft_time_limit),
    ignoreResult: options.ignore_result === true,
    shadow: text(options.shadow),
    headers: isJsonObject(options.headers) ? options.headers : {},
  };
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function count(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function list(value: JsonValue | undefined): readonly Signature[] {
  return Array.isArray(value) ? (value as readonly Signature[]) : [];
}

function milliseconds(seconds: JsonValue | undefined): number | undefined {
  return typeof seconds === "number" && seconds >= 0 && seconds < 1e300 ? seconds * 1_000 : undefined;
}

function instant(value: JsonValue | undefined): number | undefined {
  return typeof value === "string" ? parseIsoTime(value) : undefined;
}
