import { formatIsoTime } from "./iso-time.ts";
import type { JsonObject } from "./json.ts";
import type { TaskMessage } from "./message.ts";

/** Where and how a worker holds a task. */
export interface RequestState {
  /** The node. */
  readonly hostname: string;
  /** When it was started; milliseconds since the Unix epoch. */
  readonly startedAt?: number | undefined;
  readonly isAcknowledged: boolean;
  /** The process that runs it. */
  readonly pid?: number | undefined;
  readonly exchange: string;
  readonly routingKey: string;
}

/** A task as the replies to `active` and `reserved` list it (celery/worker/request.py). */
export function describeRequest(message: TaskMessage, state: RequestState): JsonObject {
  return {
    id: message.id,
    name: message.shadow ?? message.task,
    args: message.args,
    kwargs: message.kwargs,
    type: message.task,
    hostname: state.hostname,
    time_start: state.startedAt === undefined ? null : state.startedAt / 1_000,
    acknowledged: state.isAcknowledged,
    delivery_info: {
      exchange: state.exchange,
      routing_key: state.routingKey,
      priority: message.priority ?? null,
      redelivered: message.isRedelivered,
    },
    worker_pid: state.pid ?? null,
  };
}

/** A task that waits for its time, as the reply to `scheduled` lists it. */
export function describeScheduled(message: TaskMessage, state: RequestState): JsonObject {
  return {
    eta: message.eta === undefined ? null : formatIsoTime(message.eta),
    priority: 6,
    request: describeRequest(message, state),
  };
}

/** A queue that a worker consumes, as the reply to `active_queues` lists it. */
export function describeQueue(name: string): JsonObject {
  return {
    name,
    exchange: {
      name,
      type: "direct",
      arguments: null,
      durable: true,
      passive: false,
      auto_delete: false,
      delivery_mode: null,
      no_declare: false,
    },
    routing_key: name,
    queue_arguments: null,
    binding_arguments: null,
    consumer_arguments: null,
    durable: true,
    exclusive: false,
    auto_delete: false,
    no_ack: false,
    alias: null,
    bindings: [],
    no_declare: null,
    expires: null,
    message_ttl: null,
    max_length: null,
    max_length_bytes: null,
    max_priority: null,
  };
}
