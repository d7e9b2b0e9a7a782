import type { ControlRequest } from "./control.ts";
import { Fields } from "./fields.ts";
import type { JsonObject } from "./json.ts";

/** Methods without arguments, or with none that matter. */
export type PlainMethod =
  | "ping"
  | "stats"
  | "active"
  | "reserved"
  | "scheduled"
  | "revoked"
  | "active_queues"
  | "report"
  | "clock"
  | "pool_restart"
  | "enable_events"
  | "disable_events"
  | "heartbeat"
  | "shutdown";

/** What a request asks for, with its arguments checked (celery/worker/control.py). */
export type ControlCommand =
  | { readonly method: PlainMethod }
  /** Which tasks are known, and of each some of its settings. */
  | { readonly method: "registered"; readonly settings: readonly string[] }
  | { readonly method: "conf"; readonly withDefaults: boolean }
  | { readonly method: "query_task"; readonly ids: readonly string[] }
  /** A node that has started tells its name and asks for the clock and for what is revoked. */
  | { readonly method: "hello"; readonly nodename: string; readonly revoked: JsonObject }
  | {
      readonly method: "revoke";
      readonly ids: readonly string[];
      /** Whether they are stopped when they run. */
      readonly terminate: boolean;
      readonly signal: string | undefined;
    }
  | { readonly method: "terminate"; readonly ids: readonly string[]; readonly signal: string | undefined }
  | {
      readonly method: "revoke_by_stamped_headers";
      readonly headers: JsonObject;
      readonly terminate: boolean;
      readonly signal: string | undefined;
    }
  /** Such as `10/m`; 0 lifts it. */
  | { readonly method: "rate_limit"; readonly task: string; readonly limit: number | string }
  | {
      readonly method: "time_limit";
      readonly task: string;
      readonly hardMs: number | undefined;
      readonly softMs: number | undefined;
    }
  | { readonly method: "pool_grow" | "pool_shrink"; readonly by: number }
  | { readonly method: "autoscale"; readonly max: number | undefined; readonly min: number | undefined }
  | { readonly method: "add_consumer"; readonly queue: string }
  | { readonly method: "cancel_consumer"; readonly queue: string }
  | { readonly method: "election"; readonly id: string; readonly topic: string }
  | { readonly method: "unknown"; readonly name: string };

const plainMethods: ReadonlySet<string> = new Set<PlainMethod>([
  "ping",
  "stats",
  "active",
  "reserved",
  "scheduled",
  "revoked",
  "active_queues",
  "report",
  "clock",
  "pool_restart",
  "enable_events",
  "disable_events",
  "heartbeat",
  "shutdown",
]);

/** Other names of methods that Celery knows them by. */
const aliases: Readonly<Record<string, string>> = {
  dump_active: "active",
  dump_conf: "conf",
  dump_reserved: "reserved",
  dump_revoked: "revoked",
  dump_schedule: "scheduled",
  dump_tasks: "registered",
};

/**
 * What a request asks for. A method that Celery does not know is a value like the others.
 *
 * @throws {UndecodableMessage} `invalid_control` when the arguments are not those of the method
 */
export function toControlCommand(request: ControlRequest): ControlCommand {
  const method = Object.hasOwn(aliases, request.method) ? aliases[request.method]! : request.method;
  const fields = new Fields(request.arguments, "invalid_control", `The argument of ${method}:`);
  if (plainMethods.has(method)) return { method: method as PlainMethod };
  switch (method) {
    case "registered":
      return { method, settings: names(fields, "taskinfoitems") };
    case "conf":
      return { method, withDefaults: fields.boolean("with_defaults") ?? false };
    case "query_task":
      return { method, ids: names(fields, "ids") };
    case "hello":
      return { method, nodename: fields.requiredString("from_node"), revoked: fields.object("revoked") ?? {} };
    case "revoke":
      return { method, ids: names(fields, "task_id"), ...termination(fields) };
    case "terminate":
      return { method, ids: names(fields, "task_id"), signal: signal(fields) };
    case "revoke_by_stamped_headers":
      return { method, headers: fields.object("headers") ?? {}, ...termination(fields) };
    case "rate_limit":
      return { method, task: fields.requiredString("task_name"), limit: limit(fields) };
    case "time_limit":
      return {
        method,
        task: fields.requiredString("task_name"),
        hardMs: ms(fields, "hard"),
        softMs: ms(fields, "soft"),
      };
    case "pool_grow":
    case "pool_shrink":
      return { method, by: fields.count("n") ?? 1 };
    case "autoscale":
      return { method, max: fields.count("max"), min: fields.count("min") };
    case "add_consumer":
    case "cancel_consumer":
      return { method, queue: fields.requiredString("queue") };
    case "election":
      return { method, id: fields.requiredString("id"), topic: fields.requiredString("topic") };
    default:
      return { method: "unknown", name: request.method };
  }
}

/** A list of strings, or one alone. */
function names(fields: Fields, name: string): readonly string[] {
  const value = fields.value(name);
  if (value === undefined) return [];
  if (typeof value === "string") return [value];
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value as readonly string[];
  throw fields.refused(name, "a list of strings");
}

function termination(fields: Fields): { readonly terminate: boolean; readonly signal: string | undefined } {
  return { terminate: fields.boolean("terminate") ?? false, signal: signal(fields) };
}

/** A signal by its name or number. */
function signal(fields: Fields): string | undefined {
  const value = fields.value("signal");
  if (value === undefined || typeof value === "string") return value;
  if (typeof value === "number") return `${value}`;
  throw fields.refused("signal", "the name of a signal");
}

function limit(fields: Fields): number | string {
  const value = fields.value("rate_limit") ?? 0;
  if (typeof value === "number" || typeof value === "string") return value;
  throw fields.refused("rate_limit", 'a number, or such as "10/m"');
}

function ms(fields: Fields, name: string): number | undefined {
  const seconds = fields.number(name);
  return seconds === undefined ? undefined : seconds * 1_000;
}
