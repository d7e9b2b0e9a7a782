import type { JsonObject, JsonValue } from "./json.ts";
import type { Signature } from "./signature.ts";
import type { UndecodableMessage } from "./undecodable-message.ts";

/** One call of a task, as it travels. The neutral form of the protocols 1 and 2. Made by {@link createTaskMessage}. */
export interface TaskMessage {
  readonly id: string;
  /** The name that the task is registered with. */
  readonly task: string;
  readonly args: readonly JsonValue[];
  readonly kwargs: JsonObject;
  /** Sent with its result when it has succeeded. */
  readonly callbacks: readonly Signature[];
  /** Sent with its id when it has failed for good. */
  readonly errbacks: readonly Signature[];
  /** What follows it in a chain, the next one first; on the wire the last one is first. */
  readonly chain: readonly Signature[];
  /** The body of the chord whose header this is a part of. */
  readonly chord: Signature | undefined;
  /** Not before; milliseconds since the Unix epoch. */
  readonly eta: number | undefined;
  /** Not after; milliseconds since the Unix epoch. */
  readonly expires: number | undefined;
  /** How often it has been retried: 0 at first. */
  readonly retries: number;
  /** After so long its process is killed. */
  readonly timeLimitMs: number | undefined;
  /** After so long an error is raised in it. */
  readonly softTimeLimitMs: number | undefined;
  /** The group that it is a part of; of a chord, under which the parts are counted. */
  readonly group: string | undefined;
  /** Its place in the group, counted from 0. */
  readonly groupIndex: number | undefined;
  /** The first task of all that led to this one; its own id if that is itself. */
  readonly rootId: string;
  /** The task that sent it. */
  readonly parentId: string | undefined;
  /** The queue that the sender reads results from; of the `rpc://` result backend. */
  readonly replyTo: string | undefined;
  readonly correlationId: string;
  /** From 0 to 9 as the transport counts: see {@link toRedisPriority}, {@link toAmqpPriority}. */
  readonly priority: number | undefined;
  /** Whether nobody wants its result stored. */
  readonly ignoreResult: boolean;
  /** Who sent it: `gen4711@host`. For people. */
  readonly origin: string | undefined;
  /** A name to show in place of the task's. */
  readonly shadow: string | undefined;
  /** The arguments as shown to people; made of `args` unless given, which hides what should not be shown. */
  readonly argsRepr: string | undefined;
  readonly kwargsRepr: string | undefined;
  /** All other headers: `traceparent`, `stamps`, the caller's own. */
  readonly headers: JsonObject;
  /** Whether somebody has had it before. */
  readonly isRedelivered: boolean;
}

/** What {@link createTaskMessage} needs at least. */
export type NewTaskMessage = Pick<TaskMessage, "id" | "task"> & { readonly [K in keyof TaskMessage]?: TaskMessage[K] };

/** A message with what Celery takes for granted where nothing is given. */
export function createTaskMessage(message: NewTaskMessage): TaskMessage {
  return {
    args: [],
    kwargs: {},
    callbacks: [],
    errbacks: [],
    chain: [],
    chord: undefined,
    eta: undefined,
    expires: undefined,
    retries: 0,
    timeLimitMs: undefined,
    softTimeLimitMs: undefined,
    group: undefined,
    groupIndex: undefined,
    rootId: message.id,
    parentId: undefined,
    replyTo: undefined,
    correlationId: message.id,
    priority: undefined,
    ignoreResult: false,
    origin: undefined,
    shadow: undefined,
    argsRepr: undefined,
    kwargsRepr: undefined,
    headers: {},
    isRedelivered: false,
    ...message,
  };
}

/** A message to publish, before a transport has put it into its own form. */
export interface WireMessage {
  readonly headers: JsonObject;
  readonly properties: WireProperties;
  readonly body: Buffer;
}

/** The properties of a message, by the names that AMQP clients for Node use. */
export interface WireProperties {
  readonly contentType: string;
  readonly contentEncoding: string;
  /** 2 survives a restart of the broker, 1 does not. */
  readonly deliveryMode: 1 | 2;
  readonly correlationId?: string;
  readonly replyTo?: string;
  /** From 0 to 9. */
  readonly priority?: number;
  /** Milliseconds, as a string of digits. */
  readonly expiration?: string;
}

/** A message as a transport hands it over. Nothing in it is trusted. */
export interface ReceivedMessage {
  readonly headers?: unknown;
  readonly properties?: {
    readonly contentType?: unknown;
    readonly contentEncoding?: unknown;
    readonly correlationId?: unknown;
    readonly replyTo?: unknown;
    readonly priority?: unknown;
  };
  readonly body: Uint8Array;
  /** What AMQP says of it; on Redis it stands in the headers. */
  readonly isRedelivered?: boolean;
  /** Why it cannot be read, if the transport has found that already. */
  readonly refusal?: UndecodableMessage;
}
