import { formatIsoTime } from "./iso-time.ts";
import { stringifyJson, type JsonObject, type JsonValue } from "./json.ts";
import type { TaskMessage, WireMessage, WireProperties } from "./message.ts";
import { reprArguments, reprKeywords } from "./safe-repr.ts";

/**
 * A message of protocol 2, with all headers that Celery itself sends (celery/app/amqp.py), so that its monitors can show it.
 *
 * @param nowMs - milliseconds since the Unix epoch; an expiry is also told to the broker, as a time from now
 * @throws {TypeError} when its arguments are nothing that JSON can say
 */
export function encodeTaskMessage(message: TaskMessage, nowMs: number): WireMessage {
  const embed = {
    callbacks: orNull(message.callbacks),
    errbacks: orNull(message.errbacks),
    chain: orNull(message.chain.toReversed()),
    chord: message.chord ?? null,
  };
  return {
    headers: toHeaders(message),
    properties: toProperties(message, nowMs),
    body: Buffer.from(stringifyJson([message.args, message.kwargs, embed])),
  };
}

function toHeaders(message: TaskMessage): JsonObject {
  return {
    ...message.headers,
    lang: "ts",
    task: message.task,
    id: message.id,
    shadow: message.shadow ?? null,
    eta: toIsoTime(message.eta),
    expires: toIsoTime(message.expires),
    group: message.group ?? null,
    group_index: message.groupIndex ?? null,
    retries: message.retries,
    timelimit: [toSeconds(message.timeLimitMs), toSeconds(message.softTimeLimitMs)],
    root_id: message.rootId,
    parent_id: message.parentId ?? null,
    argsrepr: message.argsRepr ?? reprArguments(message.args),
    kwargsrepr: message.kwargsRepr ?? reprKeywords(message.kwargs),
    origin: message.origin ?? null,
    ignore_result: message.ignoreResult,
  };
}

function toProperties(message: TaskMessage, nowMs: number): WireProperties {
  return {
    contentType: "application/json",
    contentEncoding: "utf-8",
    deliveryMode: 2,
    correlationId: message.correlationId,
    replyTo: message.replyTo ?? "",
    priority: message.priority ?? 0,
    ...toExpiration(message.expires, nowMs),
  };
}

/** Ten years: RabbitMQ closes the channel of who says more (seen on 3.10). Whoever runs it looks at the header in any case. */
const maxExpirationMs = 3_650 * 86_400_000;

function toExpiration(expires: number | undefined, nowMs: number): Pick<WireProperties, "expiration"> {
  const leftMs = Math.max(0, Math.round((expires ?? Infinity) - nowMs));
  return leftMs > maxExpirationMs ? {} : { expiration: `${leftMs}` };
}

function orNull<T extends JsonValue>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}

function toIsoTime(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : formatIsoTime(epochMs);
}

function toSeconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000;
}
