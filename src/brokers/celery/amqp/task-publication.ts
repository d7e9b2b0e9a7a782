import { encodeTaskMessage } from "../../../celery/encode-message.ts";
import type { JsonObject } from "../../../celery/json.ts";
import type { ReceivedMessage, TaskMessage, WireMessage } from "../../../celery/message.ts";
import { createUuidV7 } from "../../../internal/uuid-v7.ts";
import { maxDelayMs, type IncomingMessage, type OutgoingMessage, type Place } from "../../carried/carrier.ts";
import { withReason } from "../../carried/job-message.ts";
import { whyUnusable } from "../../rabbitmq/queue-name.ts";
import type { Canvas } from "../job-canvas.ts";

/** How often a message was handed out before, where nobody else counts. */
const deliveriesHeader = "afterword_deliveries";

/** Names each sending of a message: one that is handed out again is the same, one that was sent twice is not. */
const sendingHeader = "afterword_sending";

/** Which sending a message is; `""` for those of others. */
export function sendingOf({ headers }: TaskMessage): string {
  const sending = headers[sendingHeader];
  return typeof sending === "string" ? sending : "";
}

/** How often workers had a message that did not end it, as far as it says so itself. */
export function deliveriesOf({ headers }: TaskMessage): number {
  const count = headers[deliveriesHeader];
  return Number.isSafeInteger(count) && (count as number) > 0 ? (count as number) : 0;
}

/** What is sent for a task, not before its time. */
export function toTaskPublication({ message, queue }: Canvas["sends"][number], nowMs: number): OutgoingMessage {
  // Another attempt is counted anew.
  const { [deliveriesHeader]: _, ...headers } = message.headers;
  const content = encodeTaskMessage({ ...message, headers: { ...headers, [sendingHeader]: createUuidV7() } }, nowMs);
  const delayMs = Math.min(maxDelayMs, Math.max(0, (message.eta ?? nowMs) - nowMs));
  return { queue, place: "back", priority: message.priority ?? 0, delayMs, content };
}

/** What follows from a job of a queue; the dead letters there get it if the server can have no queue of the name that it is for. */
export function toQueued(publication: OutgoingMessage, from: string): OutgoingMessage {
  const message = whyUnusable(publication.queue);
  if (message === undefined) return publication;
  const content = withReason(publication.content, { name: "UndecodableMessage", message });
  return { queue: from, place: "dead", priority: 0, delayMs: 0, content };
}

/** A message as it came, sent once more: after some time, or to stand behind the others. */
export function toCopy(arrival: IncomingMessage, delayMs: number): OutgoingMessage {
  return { ...toOutgoing(arrival, "back"), delayMs: Math.min(maxDelayMs, Math.max(0, delayMs)) };
}

/** The same, counted as handed out once more. */
export function toCountedCopy(arrival: IncomingMessage, message: TaskMessage): OutgoingMessage {
  const copy = toOutgoing(arrival, "back");
  const headers = { ...copy.content.headers, [deliveriesHeader]: deliveriesOf(message) + 1 };
  return { ...copy, content: { ...copy.content, headers } };
}

/** A message for the dead letters, with what is wrong with it. */
export function toDeadLetter(arrival: IncomingMessage, reason: string): OutgoingMessage {
  const { headers } = withReason(arrival.content, { name: "UndecodableMessage", message: reason });
  const dead = toOutgoing(arrival, "dead");
  return { ...dead, content: { ...dead.content, headers } };
}

function toOutgoing({ queue, priority, content }: IncomingMessage, place: Place): OutgoingMessage {
  return { queue, place, priority: priorityOf(content, priority), delayMs: 0, content: toWire(content) };
}

/** One that names no priority has the lowest, and not the usual one. */
function priorityOf({ properties }: ReceivedMessage, priority: number): number {
  return properties?.priority === undefined || properties.priority === null ? 0 : priority;
}

function toWire({ headers, properties, body }: ReceivedMessage): WireMessage {
  // Whoever takes it looks at the header that says when it expires.
  const { expiration: _, ...kept } = (properties ?? {}) as unknown as WireMessage["properties"];
  return { headers: (headers ?? {}) as JsonObject, properties: kept, body: Buffer.from(body) };
}
