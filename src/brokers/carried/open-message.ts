import type { UndecodableMessage } from "../../celery/undecodable-message.ts";
import { AfterwordError } from "../../internal/afterword-error.ts";
import type { CarriedJob } from "./carried-job.ts";
import type { IncomingMessage, OutgoingMessage } from "./carrier.ts";
import { decodeJob, withReason } from "./job-message.ts";

/** The job of a message; or, where there is none, what is sent in its place, and what to tell of it. */
export type OpenedMessage = { readonly carried: CarriedJob } | RefusedMessage;

export interface RefusedMessage {
  readonly send: readonly OutgoingMessage[];
  readonly trouble: AfterwordError;
}

/** A message that nobody can read stands in nobody's way: it goes to the dead letters, as it came. */
export function openMessage(message: IncomingMessage): OpenedMessage {
  try {
    return { carried: decodeJob(message.content, message.queue, message.priority) };
  } catch (cause) {
    return refuseMessage(message, cause as UndecodableMessage);
  }
}

export function refuseMessage(
  { content, queue, priority }: IncomingMessage,
  cause: UndecodableMessage,
): RefusedMessage {
  const { name, reason, message } = cause;
  const dead = withReason(content, { name, code: reason, message });
  return {
    send: [{ queue, place: "dead", priority, delayMs: 0, content: dead }],
    trouble: new AfterwordError(
      "undecodable",
      `A message of queue ${JSON.stringify(queue)} cannot be read and was put to the dead letters: ${message}`,
      { cause },
    ),
  };
}
