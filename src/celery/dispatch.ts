import { flattenChain, flattenGroups, groupIdOf } from "./flatten.ts";
import type { JsonValue } from "./json.ts";
import { createTaskMessage, type TaskMessage } from "./message.ts";
import type { ResultTree } from "./result-tree.ts";
import {
  bodyOf,
  chainSignature,
  chordSignature,
  chordSize,
  groupSignature,
  partsOf,
  type Signature,
} from "./signature.ts";
import { readOptions } from "./signature-options.ts";
import { placeOf, placeSignature, type Place } from "./signature-place.ts";

/** What is sent when a signature is called. */
export interface Dispatch {
  readonly sends: readonly OutgoingTask[];
  /** To be stored under the key of the chord's size before anything is sent. */
  readonly chords: readonly ChordSize[];
  /** Where the result will be: of a chain its last task's, of a chord its body's. `undefined` where nothing is sent. */
  readonly result: ResultTree | undefined;
}

/** A message, and the queue that its signature asks for. */
export interface OutgoingTask {
  readonly message: TaskMessage;
  readonly queue: string | undefined;
}

/** How many parts of a group must have ended before the chord's body runs. */
export interface ChordSize {
  readonly groupId: string;
  readonly size: number;
}

/** Who calls a signature, and with what. */
export interface DispatchContext {
  /** What it is called with, before its own arguments; immutable ones ignore it. */
  readonly args?: readonly JsonValue[];
  /** Of the task that calls it; a call from outside has none. */
  readonly rootId?: string | undefined;
  readonly parentId?: string | undefined;
  /** For those that do not say so themselves. */
  readonly replyTo?: string | undefined;
  readonly origin?: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  readonly createId: () => string;
}

/** Calls a signature that stands somewhere: in a chain, say, with what follows it. */
export function dispatch(signature: Signature, place: Place, context: DispatchContext): Dispatch {
  const made: Made = { sends: [], chords: [], context };
  const result = call(signature, place, made);
  return { sends: made.sends, chords: made.chords, result };
}

interface Made {
  readonly sends: OutgoingTask[];
  readonly chords: ChordSize[];
  readonly context: DispatchContext;
}

function call(signature: Signature, place: Place, made: Made): ResultTree | undefined {
  const [next, ...rest] = place.chain ?? [];
  switch (signature.subtask_type) {
    case "chain":
      return callChain(signature, place, made);
    case "group":
      return next === undefined
        ? callGroup(signature, place, made)
        : callChord(chordSignature([signature], next), { chain: rest }, made);
    case "chord":
      return callChord(signature, place, made);
    default:
      return callTask(signature, place, made);
  }
}

function callTask(signature: Signature, place: Place, { sends, context }: Made): ResultTree {
  const options = readOptions(placeSignature(signature, place, context.createId));
  const id = options.taskId!;
  const message = createTaskMessage({
    id,
    task: signature.task,
    args: signature.immutable ? signature.args : [...(context.args ?? []), ...signature.args],
    kwargs: signature.kwargs,
    callbacks: options.link,
    errbacks: options.linkError,
    chain: options.chain,
    chord: options.chord,
    eta: options.countdownMs === undefined ? options.eta : context.nowMs + options.countdownMs,
    expires: options.expiresMs === undefined ? options.expires : context.nowMs + options.expiresMs,
    timeLimitMs: options.timeLimitMs,
    softTimeLimitMs: options.softTimeLimitMs,
    group: options.groupId,
    groupIndex: options.groupIndex,
    rootId: context.rootId ?? options.rootId ?? id,
    parentId: context.parentId ?? options.parentId,
    replyTo: options.replyTo ?? context.replyTo,
    priority: options.priority,
    ignoreResult: options.ignoreResult,
    origin: context.origin,
    shadow: options.shadow,
    headers: options.headers,
  });
  sends.push({ message, queue: options.queue });
  return { id };
}

/** Sends the first step. Each is placed before the one in front of it, which carries it. */
function callChain(signature: Signature, place: Place, made: Made): ResultTree | undefined {
  const { createId } = made.context;
  const { chain = [], ...last } = placeOf(placeSignature(signature, place, createId));
  const { linkError } = last;
  const steps = flattenChain(signature, createId);
  let following = chain;
  let result: ResultTree | undefined;
  for (const step of steps.toReversed()) {
    const [next, ...rest] = following;
    if (step.subtask_type === "group" && next !== undefined) {
      following = [chordSignature([step], next), ...rest];
    } else {
      const placed = placeSignature(step, result === undefined ? last : { linkError: linkError ?? [] }, createId);
      following = [placed, ...following];
      result ??= { id: readOptions(placed).taskId! };
    }
  }
  const [first, ...others] = following;
  if (first === undefined) return undefined;
  const sent = call(first, { chain: others }, made);
  return steps.length === 1 ? sent : result;
}

function callGroup(signature: Signature, place: Place, made: Made): ResultTree {
  const { createId } = made.context;
  const own = readOptions(placeSignature(signature, place, createId));
  const id = own.taskId!;
  // A group at the end of a chord's part is counted there, each of its own parts as one.
  const isCounted = own.groupId !== undefined;
  const parts = flattenGroups(partsOf(signature));
  if (own.chord !== undefined && !isCounted) made.chords.push({ groupId: id, size: chordSize(signature) });
  const results = parts.map((part, index) =>
    call(
      part,
      {
        groupId: own.groupId ?? id,
        groupIndex: isCounted ? own.groupIndex : index,
        chord: own.chord,
        link: index === 0 ? own.link.map((callback) => ({ ...callback, immutable: true })) : [],
        linkError: own.linkError,
      },
      made,
    ),
  );
  return { id, parts: results.filter((result) => result !== undefined) };
}

function callChord(signature: Signature, place: Place, made: Made): ResultTree | undefined {
  const { context } = made;
  const body = placeBody(signature, place, context.createId);
  const header = partsOf(signature);
  const parts = flattenGroups(header);
  if (parts.length === 0) return call(body, {}, { ...made, context: { ...context, args: [[]] } });
  const groupId = groupIdOf(header) ?? context.createId();
  made.chords.push({ groupId, size: chordSize(groupSignature(parts)) });
  for (const [groupIndex, part] of parts.entries()) call(part, { groupId, groupIndex, chord: body }, made);
  return { id: readOptions(body).taskId! };
}

/** The body with everything that the chord itself was given, as its result is the chord's. */
function placeBody(signature: Signature, place: Place, createId: () => string): Signature {
  const own = placeOf(placeSignature(signature, place, createId));
  const body = bodyOf(signature);
  const { chain = [], ...ending } = own;
  if (chain.length === 0 || body.subtask_type === null) return placeSignature(body, own, createId);
  return placeSignature(chainSignature([placeSignature(body, ending, createId), ...chain]), {}, createId);
}
