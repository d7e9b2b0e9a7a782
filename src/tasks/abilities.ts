import { AfterwordError } from "../internal/afterword-error.ts";
import type { Ability, Broker } from "./broker.ts";
import type { AnyTask } from "./task.ts";
import { definitionOf } from "./task-definition.ts";
import type { JobConfig } from "./task-options.ts";

/** What an option asks of a broker, and what to do where that is not there. */
const wayOut: Partial<Record<Ability, string>> = {
  delay: "Store the job when it is due, or use another broker",
  priority: "Leave priority out and use a queue of its own for what is urgent",
  unique: "Leave uniqueKey out and make the task do nothing the second time",
  limits: "Leave maxRunning and rateLimit out, and limit the slots of the workers that serve its queue",
  transaction: "Enqueue after the transaction has committed, or use a broker in that database: postgres() or sqlite()",
  groups: "Call the next task at the end of the one before it",
  results: "Do without taskRoutes(), status() and result(), and let the task itself tell of its end",
  schedule: "Let a cron job of the machine call a script that enqueues",
};

/** What a broker whose jobs are nowhere but in messages can do as well, when another broker keeps their state. */
const ofState: ReadonlySet<Ability> = new Set(["unique", "limits", "groups", "schedule", "results"]);

/** @throws {AfterwordError} with code `unsupported` when the options ask for what the broker cannot do */
export function assertSupported(broker: Broker, task: string, config: JobConfig): void {
  const { supports } = broker;
  if (config.delayMs > 0 && !supports.has("delay")) throw unsupported(broker, `Task "${task}" with a delay`, "delay");
  if (config.priority !== 5 && !supports.has("priority"))
    throw unsupported(broker, `Task "${task}" with a priority`, "priority");
  if (config.uniqueKey !== undefined && !supports.has("unique"))
    throw unsupported(broker, `Task "${task}" with a uniqueKey`, "unique");
  if (config.limits !== undefined && !supports.has("limits"))
    throw unsupported(broker, `Task "${task}" with maxRunning or rateLimit`, "limits");
  if (config.transaction !== undefined && !supports.has("transaction"))
    throw unsupported(broker, `Task "${task}" with a transaction`, "transaction");
}

/** @throws {AfterwordError} with code `unsupported` when a task was defined with what the broker cannot do */
export function assertTasksSupported(broker: Broker, tasks: readonly AnyTask[]): void {
  for (const task of tasks) assertSupported(broker, task.name, definitionOf(task).config);
}

/** @throws {AfterwordError} with code `unsupported` when the broker lacks the ability */
export function assertAbility(broker: Broker, what: string, ability: Ability): void {
  if (!broker.supports.has(ability)) throw unsupported(broker, what, ability);
}

function unsupported(broker: Broker, what: string, ability: Ability): AfterwordError {
  return new AfterwordError(
    "unsupported",
    `${what} needs the ability "${ability}", which the broker ${broker.name} does not have. ${advice(broker, ability)}.`,
  );
}

function advice({ name, supports }: Broker, ability: Ability): string {
  const other = wayOut[ability] ?? "Use another broker";
  if (supports.has("results") || !ofState.has(ability)) return other;
  const rest = other[0]!.toLowerCase() + other.slice(1);
  return `Let another broker keep the state of its jobs: ${name}(url, { results: sqlite("tasks.db") }), or AFTERWORD_RESULTS=sqlite:tasks.db in the environment. Otherwise ${rest}`;
}
