import { decodeContent } from "./content.ts";
import type { EventFields, EventType } from "./event-fields.ts";
import { Fields } from "./fields.ts";
import { isJsonObject, stringifyJson, toJsonValue, type JsonObject, type JsonValue } from "./json.ts";
import type { ReceivedMessage, WireMessage } from "./message.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

/** Something that happened to a task or a worker, for whoever watches. */
export interface CeleryEvent {
  /** `task-received`, `worker-heartbeat`; see {@link EventFields}. */
  readonly type: string;
  /** The node it happened at: `name@host`. */
  readonly hostname: string;
  readonly pid: number | undefined;
  /** Of {@link LamportClock}. */
  readonly clock: number;
  /** When; milliseconds since the Unix epoch, with fractions. */
  readonly at: number;
  /** How many hours the node's local time is behind UTC. */
  readonly utcOffset: number;
  /** What else is said about it. */
  readonly fields: JsonObject;
}

/** The exchange that events are published to: a topic on AMQP, channels on Redis. */
export const eventExchange = "celeryev";

/** Several events in one message have this routing key. */
export const manyEventsRoutingKey = "task.multi";

/** An event with the fields of its type. */
export function createEvent<T extends EventType>(
  type: T,
  fields: EventFields[T],
  sender: Pick<CeleryEvent, "hostname" | "pid" | "clock" | "at">,
): CeleryEvent {
  return { type, ...sender, utcOffset: 0, fields: { ...fields } as unknown as JsonObject };
}

/** The routing key of an event, and the end of its channel on Redis. */
export function eventRoutingKey(type: string): string {
  return type.replaceAll("-", ".");
}

/** The message of one event, to be published with {@link eventRoutingKey}. */
export function encodeEvent(event: CeleryEvent): WireMessage {
  return toMessage(event, toWire(event));
}

/** The message of several events of one node, to be published with {@link manyEventsRoutingKey}. */
export function encodeEvents(events: readonly [CeleryEvent, ...CeleryEvent[]]): WireMessage {
  return toMessage(events[0], events.map(toWire));
}

/**
 * The events of a message: one, or several.
 *
 * @throws {UndecodableMessage}
 */
export function decodeEvents(received: ReceivedMessage): readonly CeleryEvent[] {
  const headers = toJsonValue(received.headers ?? {}, "The headers");
  const body = decodeContent(
    received.body,
    {
      contentType: received.properties?.contentType,
      contentEncoding: received.properties?.contentEncoding,
      compression: isJsonObject(headers) ? headers.compression : undefined,
    },
    "The event",
  );
  return Array.isArray(body) ? body.map((event: JsonValue) => toEvent(event)) : [toEvent(body)];
}

function toWire({ type, hostname, pid, clock, at, utcOffset, fields }: CeleryEvent): JsonObject {
  return { ...fields, hostname, utcoffset: utcOffset, pid: pid ?? null, clock, timestamp: at / 1_000, type };
}

function toMessage({ hostname }: CeleryEvent, body: JsonValue): WireMessage {
  return {
    headers: { hostname },
    properties: { contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 1 },
    body: Buffer.from(stringifyJson(body)),
  };
}

const common = new Set(["type", "hostname", "pid", "clock", "timestamp", "utcoffset"]);

function toEvent(value: JsonValue): CeleryEvent {
  if (!isJsonObject(value)) throw new UndecodableMessage("invalid_event", "The event is no object.");
  const read = new Fields(value, "invalid_event", "The event's");
  return {
    type: read.requiredString("type"),
    hostname: read.string("hostname") ?? "",
    pid: read.number("pid"),
    clock: read.number("clock") ?? 0,
    at: (read.number("timestamp") ?? 0) * 1_000,
    utcOffset: read.number("utcoffset") ?? 0,
    fields: Object.fromEntries(Object.entries(value).filter(([name]) => !common.has(name))),
  };
}
