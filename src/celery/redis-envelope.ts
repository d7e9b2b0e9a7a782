import { Fields } from "./fields.ts";
import { isJsonObject, parsePythonJson, stringifyJson, type JsonObject, type JsonValue } from "./json.ts";
import type { WireMessage, WireProperties } from "./message.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

/** A message as kombu keeps it in Redis: what AMQP says in frames stands in one JSON text (kombu/transport/virtual/base.py). */
export interface RedisEnvelope extends WireMessage {
  /** `""` is the exchange that delivers to the queue of the routing key's name. */
  readonly exchange: string;
  readonly routingKey: string;
  /** Names it while it is not acknowledged. A UUID. */
  readonly deliveryTag: string;
}

/** An envelope that was read. Whether its properties are of the right types is for {@link decodeTaskMessage} to say. */
export interface ReadEnvelope {
  readonly headers: JsonObject;
  readonly properties: { readonly [K in keyof WireProperties]?: JsonValue | undefined };
  readonly body: Buffer;
  readonly exchange: string;
  readonly routingKey: string;
  readonly deliveryTag: string;
  /** Whether it was given back by or taken from somebody who had it. */
  readonly isRedelivered: boolean;
}

/**
 * The text to put into a queue's list.
 *
 * Without `delivery_tag` and `delivery_info.exchange` a Celery worker dies of it; its body is in base64 because older ones die of
 * any other.
 */
export function encodeEnvelope(envelope: RedisEnvelope): string {
  const { properties } = envelope;
  return stringifyJson({
    body: envelope.body.toString("base64"),
    "content-encoding": properties.contentEncoding,
    "content-type": properties.contentType,
    headers: envelope.headers,
    properties: {
      ...(properties.correlationId !== undefined && { correlation_id: properties.correlationId }),
      ...(properties.replyTo !== undefined && { reply_to: properties.replyTo }),
      ...(properties.expiration !== undefined && { expiration: properties.expiration }),
      delivery_mode: properties.deliveryMode,
      delivery_info: { exchange: envelope.exchange, routing_key: envelope.routingKey },
      priority: properties.priority ?? 0,
      body_encoding: "base64",
      delivery_tag: envelope.deliveryTag,
    },
  });
}

/**
 * What a text of a queue's list says.
 *
 * @throws {UndecodableMessage} `invalid_envelope`, `invalid_base64`, `invalid_json`, `too_deep`
 */
export function decodeEnvelope(text: string): ReadEnvelope {
  return toEnvelope(parsePythonJson(text, "The envelope"));
}

/** The entry of a message that was handed out, in the hash of those that are not acknowledged. */
export function encodeUnacked(envelope: RedisEnvelope): string {
  return `[${encodeEnvelope(envelope)}, ${stringifyJson(envelope.exchange)}, ${stringifyJson(envelope.routingKey)}]`;
}

/**
 * What such an entry says. The exchange and routing key beside the envelope are those it goes back to.
 *
 * @throws {UndecodableMessage} as {@link decodeEnvelope}
 */
export function decodeUnacked(text: string): ReadEnvelope {
  const entry = parsePythonJson(text, "The entry");
  const [envelope, exchange, routingKey] = Array.isArray(entry) ? (entry as readonly JsonValue[]) : [];
  if (envelope === undefined || typeof exchange !== "string" || typeof routingKey !== "string")
    throw new UndecodableMessage("invalid_envelope", "The entry is no list of envelope, exchange and routing key.");
  return { ...toEnvelope(envelope), exchange, routingKey };
}

/**
 * The text of an envelope that is given back, marked as kombu marks it.
 *
 * @throws {UndecodableMessage} as {@link decodeEnvelope}
 */
export function markRedelivered(text: string): string {
  const value = parsePythonJson(text, "The envelope");
  toEnvelope(value);
  const { headers, properties, ...rest } = value as { readonly headers?: JsonObject; readonly properties: JsonObject };
  return stringifyJson({
    ...rest,
    headers: { ...headers, redelivered: true },
    properties: {
      ...properties,
      delivery_info: { ...(properties.delivery_info as JsonObject), redelivered: true },
    },
  });
}

function toEnvelope(value: JsonValue): ReadEnvelope {
  if (!isJsonObject(value)) throw new UndecodableMessage("invalid_envelope", "The envelope is no object.");
  const fields = new Fields(value, "invalid_envelope", "The envelope's");
  const headers = fields.object("headers") ?? {};
  const properties = fields.object("properties") ?? {};
  const given = new Fields(properties, "invalid_envelope", "The property");
  const info = new Fields(given.object("delivery_info") ?? {}, "invalid_envelope", "The property delivery_info's");
  return {
    headers,
    properties: {
      contentType: fields.value("content-type"),
      contentEncoding: fields.value("content-encoding"),
      deliveryMode: given.value("delivery_mode"),
      correlationId: given.value("correlation_id"),
      replyTo: given.value("reply_to"),
      priority: given.value("priority"),
      expiration: given.value("expiration"),
    },
    body: toBody(value.body, given.value("body_encoding")),
    exchange: info.string("exchange") ?? "",
    routingKey: info.string("routing_key") ?? "",
    deliveryTag: given.requiredString("delivery_tag"),
    isRedelivered: headers.redelivered === true || info.value("redelivered") === true,
  };
}

function toBody(body: JsonValue | undefined, encoding: JsonValue | undefined): Buffer {
  if (typeof body !== "string") throw new UndecodableMessage("invalid_envelope", "The envelope has no body.");
  if (encoding === undefined || encoding === "utf-8") return Buffer.from(body);
  if (encoding !== "base64")
    throw new UndecodableMessage("invalid_envelope", "The body is neither in base64 nor in UTF-8.");
  const text = body.replaceAll(/[\r\n]/g, "");
  // Node skips whatever is no base64 instead of refusing it.
  if (text.length % 4 !== 0 || !/^[A-Za-z\d+/]*={0,2}$/.test(text))
    throw new UndecodableMessage("invalid_base64", "The body is not base64.");
  return Buffer.from(text, "base64");
}
