import { decodeContent } from "./content.ts";
import { Fields } from "./fields.ts";
import { parseIsoTime } from "./iso-time.ts";
import { isJsonObject, toJsonValue, type JsonObject, type JsonValue } from "./json.ts";
import type { ReceivedMessage, TaskMessage } from "./message.ts";
import { toSignature, toSignatures } from "./decode-signature.ts";
import { decodeTypedValues } from "./typed-value.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

/**
 * The call that a message asks for.
 *
 * Read are protocol 2, where the headers say what to call; protocol 1, where the body is an object with everything; and the
 * mixture of both that some clients send. The body may be compressed. Of the typed values
 * in its arguments see {@link decodeTypedValues}.
 *
 * @throws {UndecodableMessage} whatever is wrong, and nothing else
 */
export function decodeTaskMessage(received: ReceivedMessage): TaskMessage {
  if (received.refusal !== undefined) throw received.refusal;
  const headers = toHeaders(received.headers);
  const body = decodeContent(
    received.body,
    {
      contentType: received.properties?.contentType,
      contentEncoding: received.properties?.contentEncoding,
      compression: headers.compression,
    },
    "The body",
  );
  if (Array.isArray(body)) return toMessage(headers, splitBody(body), received);
  if (!isJsonObject(body)) throw invalidBody("is neither a list nor an object");
  // The headers of protocol 1 say nothing of the task, and what they say in a mixture is newer.
  const { args, kwargs, callbacks, errbacks, chord, ...rest } = body;
  const described = { ...rest, group: rest.group ?? rest.taskset ?? null, ...headers };
  return toMessage(pick(described, headers), { args, kwargs, embed: { callbacks, errbacks, chord } }, received);
}

interface Call {
  readonly args: JsonValue | undefined;
  readonly kwargs: JsonValue | undefined;
  readonly embed: { readonly [name: string]: JsonValue | undefined };
}

/** Headers that {@link TaskMessage} has its own names for, or that are of no use to anybody further on. */
const known = new Set([
  "lang",
  "task",
  "id",
  "shadow",
  "eta",
  "expires",
  "group",
  "group_index",
  "retries",
  "timelimit",
  "root_id",
  "parent_id",
  "argsrepr",
  "kwargsrepr",
  "origin",
  "ignore_result",
  "compression",
  "redelivered",
]);

function toHeaders(headers: unknown): JsonObject {
  const plain = toJsonValue(headers ?? {}, "The headers");
  if (isJsonObject(plain)) return plain;
  throw new UndecodableMessage("invalid_headers", "The headers are no object.");
}

/** Of the members of a protocol 1 body those that are headers now, beside the headers themselves. */
function pick(described: JsonObject, headers: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(described).filter(([name]) => known.has(name) || Object.hasOwn(headers, name)),
  );
}

function splitBody(body: readonly JsonValue[]): Call {
  if (body.length !== 3) throw invalidBody(`is a list of ${body.length}, and not of 3: args, kwargs, embed`);
  const [args, kwargs, embed] = body;
  if (!isJsonObject(embed ?? {})) throw invalidBody("has an embed that is no object");
  return { args, kwargs, embed: (embed ?? {}) as JsonObject };
}

function toMessage(headers: JsonObject, call: Call, received: ReceivedMessage): TaskMessage {
  const fields = new Fields(headers, "invalid_headers", "The header");
  const id = fields.requiredString("id");
  const [timeLimitMs, softTimeLimitMs] = toTimeLimits(fields);
  const { args = [], kwargs = {}, embed } = call;
  if (!Array.isArray(args)) throw invalidBody("has arguments that are no list");
  if (!isJsonObject(kwargs)) throw invalidBody("has keyword arguments that are no object");
  return {
    id,
    task: fields.requiredString("task"),
    args: decodeTypedValues(args as readonly JsonValue[]) as readonly JsonValue[],
    kwargs: Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [key, decodeTypedValues(value)])),
    callbacks: toSignatures(embed.callbacks, "The callback"),
    errbacks: toSignatures(embed.errbacks, "The errback"),
    chain: toSignatures(embed.chain, "The step of the chain").toReversed(),
    chord: isAbsent(embed.chord) ? undefined : toSignature(embed.chord, "The chord's body"),
    eta: toInstant(fields, "eta"),
    expires: toInstant(fields, "expires"),
    retries: fields.count("retries") ?? 0,
    timeLimitMs,
    softTimeLimitMs,
    group: fields.string("group"),
    groupIndex: fields.count("group_index"),
    rootId: fields.string("root_id") ?? id,
    parentId: fields.string("parent_id"),
    replyTo: toText(received.properties?.replyTo),
    correlationId: toText(received.properties?.correlationId) ?? id,
    priority: toPriority(received.properties?.priority),
    ignoreResult: fields.boolean("ignore_result") ?? false,
    origin: fields.shownString("origin"),
    shadow: fields.shownString("shadow"),
    argsRepr: fields.shownString("argsrepr"),
    kwargsRepr: fields.shownString("kwargsrepr"),
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !known.has(name))),
    isRedelivered: received.isRedelivered === true || headers.redelivered === true,
  };
}

/** On the wire the hard limit is first, whatever Celery's own documentation says. */
function toTimeLimits(fields: Fields): readonly [number | undefined, number | undefined] {
  const limits = fields.list("timelimit") ?? [];
  const [hard, soft] = limits.map((seconds) => {
    // Python takes 0 for none.
    if (seconds === null || seconds === 0) return undefined;
    if (typeof seconds === "number" && seconds >= 0 && seconds < 1e300) return seconds * 1_000;
    throw fields.refused("timelimit", "a list of two numbers of seconds");
  });
  return [hard, soft];
}

function toInstant(fields: Fields, name: string): number | undefined {
  const text = fields.string(name);
  if (text === undefined) return undefined;
  const instant = parseIsoTime(text);
  if (instant === undefined) throw fields.refused(name, "an instant in ISO 8601");
  return instant;
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function toPriority(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function isAbsent(value: JsonValue | undefined): boolean {
  return value === undefined || value === null;
}

function invalidBody(why: string): UndecodableMessage {
  return new UndecodableMessage("invalid_body", `The body ${why}.`);
}
