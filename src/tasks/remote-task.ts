import { AfterwordError, DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { createTask, type Task } from "./task.ts";
import { TaskDefinition } from "./task-definition.ts";
import {
  changeRemoteConfig,
  toName,
  toRemoteConfig,
  type RemoteTaskOptions,
  type RemoteWithOptions,
} from "./task-options.ts";

/**
 * A task that lives in another program, as this one sees it. Made by {@link remoteTask}.
 *
 * Its calls are stored like those of a {@link Task}, and take part in flows and schedules. Called like a function it rejects with the
 * code `remote_task`: the function is not here.
 */
export interface RemoteTask<A extends unknown[], R, K extends object = never> extends Task<A, R> {
  /**
   * The same task with other options, or with keyword arguments, for the jobs that are added through it.
   *
   * @throws {DeclarationError} for an unknown option or a wrong value
   */
  with(options: RemoteWithOptions<K>): RemoteTask<A, R, K>;
}

/**
 * Names a task that another program defines and runs: with `task()` of this package, or whatever else reads the same broker. This
 * program stores its calls and waits for their results; its workers do not run them.
 *
 * `A` are the arguments, `R` is the result, `K` the keyword arguments, which are given with `with({ kwargs })`. Nobody compares them
 * with the other program's. The options count for the jobs that are stored through it, not those of the definition.
 *
 * Give it a queue that only workers of the other program serve: a worker that does not know a task sets its job aside as failed,
 * with the code `unknown_task`.
 *
 * @param name - what the other program calls it
 * @throws {DeclarationError} for an unknown option or a wrong value
 *
 * @example
 * ```ts
 * import { Client, remoteTask, sqlite } from "afterword";
 *
 * const add = remoteTask<[a: number, b: number], number>("proj.tasks.add", { queue: "calculations" });
 * const scale = remoteTask<[image: string], string, { width: number }>("proj.tasks.scale", { queue: "images" });
 *
 * await using client = new Client({ broker: sqlite("tasks.db") });
 * const sum = await add.enqueue(1, 2);
 * await scale.with({ kwargs: { width: 300 } }).enqueue("cat.jpg");
 * console.log(await sum.result({ timeout: "10s" }));
 * ```
 */
export function remoteTask<A extends unknown[] = unknown[], R = unknown, K extends object = never>(
  name: string,
  options: RemoteTaskOptions<A> = {},
): RemoteTask<A, R, K> {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new DeclarationError(
      `remoteTask() expects (name) or (name, options), but got (${formatValue(name, 40)}, ${formatValue(options, 40)}). The function is in the other program.`,
    );
  const known = toName(name, "The name of a task");
  const config = toRemoteConfig(known, options as RemoteTaskOptions);
  const refuse = (): never => {
    throw new AfterwordError(
      "remote_task",
      `Task "${known}" lives in another program, so it cannot be called like a function. Store a call of it: await task.enqueue(…).`,
    );
  };
  return createTask(new TaskDefinition(known, refuse, config, undefined), changeRemoteConfig) as unknown as RemoteTask<
    A,
    R,
    K
  >;
}
