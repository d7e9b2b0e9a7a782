import { decodeContent } from "./content.ts";
import { stringifyJson } from "./json.ts";
import type { ReceivedMessage, WireMessage } from "./message.ts";
import { toTaskResult, toWireResult, type NewTaskResult, type TaskResult } from "./result.ts";

/**
 * The message of a result for whoever has sent the task, to be published to the queue that its `replyTo` names
 * (celery/backends/rpc.py).
 */
export function encodeRpcResult(result: NewTaskResult, correlationId: string): WireMessage {
  const wire = toWireResult({ ...result, doneAt: undefined, groupId: undefined, parentId: undefined, extended: {} });
  return {
    headers: {},
    properties: { contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 1, correlationId },
    body: Buffer.from(stringifyJson(wire)),
  };
}

/**
 * What such a message says. When it ended is not known.
 *
 * @throws {UndecodableMessage}
 */
export function decodeRpcResult(received: ReceivedMessage): TaskResult {
  const { contentType, contentEncoding } = received.properties ?? {};
  return toTaskResult(
    decodeContent(received.body, { contentType, contentEncoding, compression: undefined }, "The result"),
  );
}
