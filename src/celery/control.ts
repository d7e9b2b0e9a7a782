import { decodeContent } from "./content.ts";
import { Fields } from "./fields.ts";
import { isJsonObject, stringifyJson, toJsonValue, type JsonObject, type JsonValue } from "./json.ts";
import type { ReceivedMessage, WireMessage } from "./message.ts";
import { decodeTypedValues } from "./typed-value.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

/** What somebody asks workers for (kombu/pidbox.py). */
export interface ControlRequest {
  readonly method: string;
  readonly arguments: JsonObject;
  /** The nodes that are asked; all of them if `undefined`. */
  readonly destination?: readonly string[] | undefined;
  /** Asks those whose names match, in place of `destination`. */
  readonly pattern?: string | undefined;
  /** How: `glob` or `pcre`. */
  readonly matcher?: string | undefined;
  /** What replies refer to. */
  readonly ticket?: string | undefined;
  /** Where replies go; nobody waits for one if `undefined`. */
  readonly replyTo?: ReplyAddress | undefined;
  /** Of {@link LamportClock}. */
  readonly clock?: number | undefined;
  /** After that nobody waits any more; milliseconds since the Unix epoch. */
  readonly expiresAt?: number | undefined;
}

/** Where replies go. */
export interface ReplyAddress {
  readonly exchange: string;
  readonly routingKey: string;
}

/** What a node replies. */
export interface ControlReply {
  readonly hostname: string;
  /** Of most: `{ ok }` or `{ error }`. */
  readonly value: JsonValue;
  readonly ticket: string | undefined;
  readonly clock: number | undefined;
}

/** The fanout exchange that requests are published to. On Redis it is a channel. */
export const controlExchange = "celery.pidbox";

/** The direct exchange that replies are published to. On Redis they are pushed to the queues that are bound to it. */
export const controlReplyExchange = "reply.celery.pidbox";

/** The queue of a node's requests. */
export function controlQueue(nodename: string): string {
  return `${nodename}.celery.pidbox`;
}

/** The queue of a client's replies, which is bound with its id as the routing key. */
export function controlReplyQueue(clientId: string): string {
  return `${clientId}.reply.celery.pidbox`;
}

/** The message of a request. */
export function encodeControlRequest(request: ControlRequest): WireMessage {
  const { replyTo } = request;
  return {
    headers: {
      clock: request.clock ?? 0,
      ...(request.expiresAt !== undefined && { expires: request.expiresAt / 1_000 }),
    },
    properties: { contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 2 },
    body: toBody({
      method: request.method,
      arguments: request.arguments,
      destination: request.destination ?? null,
      pattern: request.pattern ?? null,
      matcher: request.matcher ?? null,
      ...(request.ticket !== undefined && { ticket: request.ticket }),
      ...(replyTo !== undefined && { reply_to: { exchange: replyTo.exchange, routing_key: replyTo.routingKey } }),
    }),
  };
}

/**
 * What a message asks for. Its method may be one that nobody knows; see {@link toControlCommand}.
 *
 * @throws {UndecodableMessage}
 */
export function decodeControlRequest(received: ReceivedMessage): ControlRequest {
  const { headers, body } = read(received, "The request");
  const fields = new Fields(body, "invalid_control", "The request's");
  const said = new Fields(headers, "invalid_control", "The header");
  const expires = said.number("expires");
  return {
    method: fields.requiredString("method"),
    arguments: fields.object("arguments") ?? {},
    destination: toNames(fields),
    pattern: fields.string("pattern"),
    matcher: fields.string("matcher"),
    ticket: fields.string("ticket"),
    replyTo: toAddress(fields.object("reply_to")),
    clock: said.number("clock"),
    expiresAt: expires === undefined ? undefined : expires * 1_000,
  };
}

/** The message of a reply, to be published to the address of the request. */
export function encodeControlReply(reply: ControlReply): WireMessage {
  return {
    headers: { ticket: reply.ticket ?? null, clock: reply.clock ?? 0 },
    properties: { contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 1 },
    body: toBody({ [reply.hostname]: reply.value }),
  };
}

/**
 * What nodes reply in a message: one node in each, by its name.
 *
 * @throws {UndecodableMessage}
 */
export function decodeControlReply(received: ReceivedMessage): readonly ControlReply[] {
  const { headers, body } = read(received, "The reply");
  const said = new Fields(headers, "invalid_control", "The header");
  const ticket = said.string("ticket");
  const clock = said.number("clock");
  return Object.entries(body).map(([hostname, value]) => ({
    hostname,
    value: decodeTypedValues(value),
    ticket,
    clock,
  }));
}

function read(received: ReceivedMessage, what: string): { readonly headers: JsonObject; readonly body: JsonObject } {
  const headers = toJsonValue(received.headers ?? {}, "The headers");
  if (!isJsonObject(headers)) throw new UndecodableMessage("invalid_control", "The headers are no object.");
  const { contentType, contentEncoding } = received.properties ?? {};
  const body = decodeContent(received.body, { contentType, contentEncoding, compression: headers.compression }, what);
  if (!isJsonObject(body)) throw new UndecodableMessage("invalid_control", `${what} is no object.`);
  return { headers, body };
}

function toNames(fields: Fields): readonly string[] | undefined {
  const value = fields.value("destination");
  if (value === undefined) return undefined;
  const names = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  if (names.every((name) => typeof name === "string")) return names;
  throw fields.refused("destination", "a list of names");
}

function toAddress(address: JsonObject | undefined): ReplyAddress | undefined {
  if (address === undefined) return undefined;
  const fields = new Fields(address, "invalid_control", "The reply address's");
  return { exchange: fields.string("exchange") ?? "", routingKey: fields.requiredString("routing_key") };
}

function toBody(value: JsonObject): Buffer {
  return Buffer.from(stringifyJson(value));
}
