import type { ControlCommand } from "../../../celery/control-command.ts";
import type { JsonObject, JsonValue } from "../../../celery/json.ts";
import { describeQueue, describeRequest, describeScheduled, type RequestState } from "../../../celery/request-info.ts";
import { describeConfig, describeStats, describeTasks } from "./describe-node.ts";
import type { Node, RunningTask } from "./node.ts";
import { describeSoftware } from "./software.ts";

/** Does what a node is asked for. What it replies; `null` where Celery's workers have nothing to say either. */
export async function answer(command: ControlCommand, node: Node): Promise<JsonValue> {
  const { parts, events } = node;
  switch (command.method) {
    case "ping":
      return ok("pong");
    case "stats":
      return describeStats(node);
    case "conf":
      return describeConfig(node);
    case "report":
      return ok(describeSoftware());
    case "clock":
      return { clock: parts.clock.value };
    case "registered":
      return describeTasks(command.settings);
    case "active":
      return parts.running().map((task) => describeRunning(node, task));
    // A job is taken only for a slot that is free.
    case "reserved":
      return [];
    case "scheduled":
      return (await parts.scheduled(node.queues)).map((message) => describeScheduled(message, stateOf(node, "")));
    case "revoked":
      return parts.revoked();
    case "active_queues":
      return node.queues.map((name) => describeQueue(name));
    case "query_task":
      return describeFound(node, command.ids);
    case "hello":
      return greet(node, command.nodename, Object.keys(command.revoked));
    case "revoke":
      return command.terminate ? terminate(node, command.ids) : revoke(node, command.ids);
    case "terminate":
      return terminate(node, command.ids);
    case "enable_events":
      return ok(`task events ${change(events, true) ? "" : "already "}enabled`);
    case "disable_events":
      return ok(`task events ${change(events, false) ? "" : "already "}disabled`);
    case "heartbeat":
      void events.tell("worker-heartbeat");
      return null;
    case "add_consumer":
      node.addQueue(command.queue);
      return ok(`add consumer ${command.queue}`);
    case "cancel_consumer":
      node.removeQueue(command.queue);
      return ok(`no longer consuming from ${command.queue}`);
    default:
      return { error: refuse(command) };
  }
}

/** What our workers do not do, and what does it in its place. */
function refuse(command: ControlCommand): string {
  switch (command.method) {
    case "rate_limit":
      return `A worker of afterword has no rate limits: it takes ${command.task} whenever a slot is free. Give it a queue of its own, and a worker with few slots.`;
    case "time_limit":
      return `The time limit of ${command.task} is the option timeout of its definition, or comes with its messages; a worker of afterword does not change it.`;
    case "pool_grow":
    case "pool_shrink":
    case "autoscale":
      return "The slots of a worker of afterword are fixed: start it with another concurrency.";
    case "pool_restart":
      return "A worker of afterword has no pool of processes to restart: restart the worker.";
    case "shutdown":
      return "A worker of afterword is shut down by a signal to its process: it may be that of an app that serves requests.";
    case "revoke_by_stamped_headers":
      return "A worker of afterword revokes tasks by their ids, not by stamps.";
    case "election":
      return "A worker of afterword takes no part in elections.";
    default: {
      const name = command.method === "unknown" ? command.name : command.method;
      return `A worker of afterword knows no command ${JSON.stringify(name)}.`;
    }
  }
}

function ok(text: string): JsonObject {
  return { ok: text };
}

function stateOf({ parts }: Node, queue: string): RequestState {
  return { hostname: parts.name, isAcknowledged: false, exchange: "", routingKey: queue };
}

/** It stays unacknowledged until its result is stored. */
function describeRunning(node: Node, { message, taken, startedAt }: RunningTask): JsonObject {
  return describeRequest(message, { ...stateOf(node, taken.queue), startedAt, pid: node.parts.worker.pid });
}

function describeFound(node: Node, ids: readonly string[]): JsonObject {
  const wanted = new Set(ids);
  const found = node.parts.running().filter(({ message }) => wanted.has(message.id));
  return Object.fromEntries(found.map((task) => [task.message.id, ["active", describeRunning(node, task)]]));
}

/**
 * A worker that starts learns the clock of the others and what they know to be revoked. The instants of that list are of a clock
 * that only runs in the process they come from, so that ours stays empty: our own workers learn of it from the broker.
 */
async function greet({ parts }: Node, nodename: string, revoked: readonly string[]): Promise<JsonValue> {
  if (nodename === parts.name) return null;
  await parts.revoke(revoked, false);
  return { revoked: {}, clock: parts.clock.forward() };
}

async function revoke({ parts }: Node, ids: readonly string[]): Promise<JsonObject> {
  await parts.revoke(ids, false);
  return ok(`tasks ${ids.join(", ")} flagged as revoked`);
}

async function terminate({ parts }: Node, ids: readonly string[]): Promise<JsonObject> {
  const wanted = new Set(ids);
  const running = parts.running().flatMap(({ message }) => (wanted.has(message.id) ? [message.id] : []));
  await parts.revoke(ids, true);
  return ok(`terminate: ${running.length === 0 ? "tasks unknown" : running.join(", ")}`);
}

/** @returns whether it was otherwise before */
function change(events: Node["events"], isWatched: boolean): boolean {
  const isNews = events.isWatched !== isWatched;
  events.isWatched = isWatched;
  return isNews;
}
