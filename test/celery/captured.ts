import { readFileSync } from "node:fs";
import type { JsonObject } from "../../src/celery/json.ts";
import type { ReceivedMessage } from "../../src/celery/message.ts";
import { decodeEnvelope, type ReadEnvelope } from "../../src/celery/redis-envelope.ts";

/** What a real Celery wrote; made by capture/capture.py. */
function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8")) as T;
}

/** For each case, the commands that wrote something to Redis. */
export const redisCases: Readonly<Record<string, readonly (readonly string[])[]>> = read("redis");

/** For each case, the messages as AMQP delivered them. */
export const amqpCases: Readonly<Record<string, readonly AmqpMessage[]>> = read("amqp");

export const reprCases: readonly { value: never; saferepr: string; repr: string; str: string }[] = read("repr");

export const argsReprCases: readonly { args: never; argsrepr: string }[] = read("argsrepr");

export interface AmqpMessage {
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  readonly properties: JsonObject;
  readonly headers: JsonObject;
  readonly body: string;
}

/** The commands of a case by their name, and the keys that start with something. */
export function commands(name: string, command: string, key = ""): readonly (readonly string[])[] {
  const found = redisCases[name]?.filter(([word, first]) => word === command && first!.startsWith(key));
  if (found === undefined) throw new Error(`There is no case ${name}.`);
  return found;
}

/** The texts of the tasks that were put into queues. */
export function taskTexts(name: string): readonly string[] {
  return commands(name, "LPUSH")
    .filter(([, key]) => !key!.endsWith(".pidbox"))
    .map(([, , text]) => text!);
}

/** The tasks that were put into queues. */
export function tasks(name: string): readonly ReadEnvelope[] {
  return taskTexts(name).map((text) => decodeEnvelope(text));
}

/** What was published to an exchange of Redis. */
export function published(name: string, exchange: string): readonly ReadEnvelope[] {
  return commands(name, "PUBLISH", `/13.${exchange}`).map(([, , text]) => decodeEnvelope(text!));
}

/** A message as a client of AMQP hands it over. */
export function toReceived(message: AmqpMessage): ReceivedMessage {
  const { properties } = message;
  return {
    headers: message.headers,
    properties: {
      contentType: properties.content_type,
      contentEncoding: properties.content_encoding,
      correlationId: properties.correlation_id,
      replyTo: properties.reply_to,
      priority: properties.priority,
    },
    body: Buffer.from(message.body, "base64"),
    isRedelivered: message.redelivered,
  };
}
