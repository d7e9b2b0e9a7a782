import { defaultSettings, type TaskSettings } from "../background/added-task.ts";
import { AfterwordError, DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { isThenable, type Awaitable } from "../internal/thenable.ts";
import { createUuidV7 } from "../internal/uuid-v7.ts";
import { assertSupported } from "./abilities.ts";
import { AddedJob } from "./added-job.ts";
import type { JobDependencies, NewJob } from "./job.ts";
import { argumentsToJson } from "./json-value.ts";
import { withKwargs } from "./keyword-arguments.ts";
import type { AnyTask } from "./task.ts";
import type { TaskDefinition } from "./task-definition.ts";
import type { JobConfig } from "./task-options.ts";

/**
 * A call of a task that is not stored yet.
 *
 * @throws {AfterwordError} when its arguments cannot be stored or do not fit the task's schema
 */
export function createTaskJob(
  task: AnyTask,
  definition: TaskDefinition,
  args: readonly unknown[],
  settings: TaskSettings = defaultSettings,
  requestId?: string,
): AddedJob {
  const { name } = definition;
  if (settings.name !== undefined)
    throw new DeclarationError(
      `Task "${name}" has its name already, by which workers find it: it cannot be added through with({ name: ${JSON.stringify(settings.name)} }).`,
    );
  const config =
    settings.timeoutMs === undefined ? definition.config : { ...definition.config, timeoutMs: settings.timeoutMs };
  const job = toNewJob(name, config, args, requestId);
  const checking = checkArguments(definition, args);
  return new AddedJob(task, args, settings, name, [job], (client) => {
    assertSupported(client.broker, name, config);
    return checking;
  });
}

/** @throws {AfterwordError} when the arguments cannot be stored */
export function toNewJob(
  task: string,
  config: JobConfig,
  args: readonly unknown[],
  requestId: string | undefined,
  after?: JobDependencies,
): NewJob {
  const given = withKwargs(args, config);
  return {
    id: createUuidV7(),
    task,
    queue: config.queue,
    args: argumentsToJson(given, task),
    priority: config.priority,
    delayMs: config.delayMs,
    expiresMs: config.expiresMs,
    uniqueKey: typeof config.uniqueKey === "function" ? keyOf(task, config.uniqueKey, args) : config.uniqueKey,
    attempts: config.attempts,
    backoff: config.backoff,
    timeoutMs: config.timeoutMs,
    limits: config.limits,
    keepResultMs: config.keepResultMs,
    keepFailedMs: config.keepFailedMs,
    after,
    meta: toMeta(requestId, given !== args),
  };
}

const noMeta: Readonly<Record<string, string>> = Object.freeze({});

/** Which arguments are keyword arguments is told, for brokers whose messages have a place of their own for them. */
function toMeta(requestId: string | undefined, hasKwargs: boolean): NewJob["meta"] {
  if (requestId === undefined && !hasKwargs) return noMeta;
  return { ...(requestId !== undefined && { requestId }), ...(hasKwargs && { kwargs: "1" }) };
}

function keyOf(task: string, toKey: (...args: never[]) => string, args: readonly unknown[]): string {
  const key: unknown = toKey(...(args as never[]));
  if (typeof key === "string" && key !== "" && key.length <= 255) return key;
  throw new DeclarationError(
    `Task "${task}": uniqueKey must give a string of 1 to 255 characters, but gave ${formatValue(key)}.`,
  );
}

/**
 * What the task's schema of its arguments says of them.
 *
 * @throws {AfterwordError} with code `invalid_arguments`, or rejects with it if the schema answers with a promise
 */
export function checkArguments(definition: TaskDefinition, args: readonly unknown[]): Awaitable<void> {
  const schema = definition.config.args;
  if (schema === undefined) return undefined;
  const result = schema["~standard"].validate(withKwargs(args, definition.config));
  const settle = (settled: Awaited<typeof result>): void => {
    if (settled.issues) throw invalidArguments(definition.name, settled.issues);
  };
  if (!isThenable(result)) return settle(result as Awaited<typeof result>);
  const checking = (result as Promise<Awaited<typeof result>>).then(settle);
  checking.catch(() => {});
  return checking;
}

/** The error of arguments that do not fit the schema of their task. */
export function invalidArguments(
  task: string,
  issues: readonly {
    readonly message: string;
    readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  }[],
): AfterwordError {
  const texts = issues.map(({ message, path = [] }) => {
    const [first, ...rest] = path.map((part) => (typeof part === "object" ? part.key : part));
    const place =
      first === undefined ? "the arguments" : `argument ${[Number(first) + 1, ...rest].map(String).join(".")}`;
    return `${place}: ${message}`;
  });
  return new AfterwordError(
    "invalid_arguments",
    `The arguments of task "${task}" do not fit its schema: ${texts.join("; ")}.`,
  );
}
