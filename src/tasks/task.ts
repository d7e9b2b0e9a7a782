import type { TaskSettings } from "../background/added-task.ts";
import type { TaskArguments } from "../background/background-task.ts";
import { createJob, type Storable } from "../background/pending-job.ts";
import type { Params, ValuesOf } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import type { AddedJob } from "./added-job.ts";
import { Call } from "./call.ts";
import { currentClient, openOverrides } from "./current-client.ts";
import { callerFile, register } from "./registry.ts";
import type { JobHandle } from "./job-handle.ts";
import { createTaskJob } from "./new-job.ts";
import { rememberDefinition, TaskDefinition } from "./task-definition.ts";
import { changeJobConfig, toJobConfig, toName, type TaskDefinitionOptions, type WithOptions } from "./task-options.ts";

/** The promise of a task that was called like a function: it runs here and now. The type remembers that it is a task's. */
export interface TaskRun<R> extends Promise<R> {
  readonly "~task": true;
}

/**
 * A named function whose calls can be stored and run by a worker. Made by {@link task}.
 *
 * Called like a function, it is just the function, with its dependencies solved: no broker, no retry, no timeout, no check.
 */
export interface Task<A extends unknown[], R> extends Storable {
  (...args: A): TaskRun<R>;
  readonly name: string;
  /**
   * Stores a call. When it resolves, the job will run at least once.
   *
   * It goes to the broker of the app whose request or job is running, else to that of the only app or client that is open.
   *
   * @throws {AfterwordError} with code `unserializable_arguments`, `arguments_too_large` or `invalid_arguments` for what cannot
   *   be stored, `no_broker` or `ambiguous_broker`, and a {@link StoreError} when the broker did not store it
   */
  enqueue(...args: A): Promise<JobHandle<R>>;
  /**
   * The same task with other options for the jobs that are added through it.
   *
   * @throws {DeclarationError} for an unknown option or a wrong value
   */
  with(options: WithOptions): Task<A, R>;
  /** A call with exactly these arguments, for `chain`, `group` and `chord`. */
  call(...args: A): Call<R, unknown>;
  /** A call that gets the result of what comes before it as its first argument, for `chain` and `chord`. */
  withResult(...rest: A extends [unknown, ...infer Rest] ? Rest : never): Call<R, A[0]>;
}

/** Any task. */
export type AnyTask = Task<never[], unknown>;

/** A task's call signature with the values of its dependencies in front. */
type WithValues<P extends Params, A extends unknown[], R> = (values: ValuesOf<P>, ...args: A) => R;

/**
 * Names a function, so that its calls can be stored, run by any worker that has loaded the module which defines it, tried
 * again, and asked for.
 *
 * Arguments and result are JSON. The name must be unique among all modules; the same module loaded again replaces it.
 *
 * @param name - what workers find the function by; it is stored, so keep it when the function moves
 * @throws {DeclarationError} when the name is taken by another module, an option is wrong, or a dependency needs a request
 *
 * @example
 * ```ts
 * import { App, BackgroundTasks, path, sqlite, task } from "afterword";
 *
 * export const resize = task("resize", { attempts: 5, timeout: "2m" }, async (uploadId: string, width: number) => {
 *   console.log(`resizing ${uploadId} to ${width}`);
 * });
 *
 * const app = new App({ broker: sqlite("tasks.db") });
 * app.post("/uploads/:id/thumbnail", { id: path(), tasks: BackgroundTasks }, ({ id, tasks }) => {
 *   tasks.addTask(resize, id, 300); // stored before the response leaves
 *   return { message: "Resizing" };
 * });
 * ```
 */
export function task<A extends unknown[], R>(name: string, fn: (...args: A) => R): Task<A, Awaited<R>>;
export function task<A extends unknown[], R>(
  name: string,
  options: TaskDefinitionOptions<TaskArguments<A>>,
  fn: (...args: A) => R,
): Task<A, Awaited<R>>;
export function task<const P extends Params, A extends unknown[], R>(
  name: string,
  options: TaskDefinitionOptions<TaskArguments<A>>,
  params: P,
  fn: WithValues<P, A, R>,
): Task<A, Awaited<R>>;
export function task(...given: unknown[]): AnyTask {
  const [name] = given;
  const fn = given.at(-1);
  const options = given.length > 2 ? given[1] : {};
  const params = given.length > 3 ? given[2] : undefined;
  if (
    given.length < 2 ||
    given.length > 4 ||
    typeof fn !== "function" ||
    !isRecord(options) ||
    (given.length === 4 && !isRecord(params))
  )
    throw new DeclarationError(
      `task() expects (name, fn), (name, options, fn) or (name, options, params, fn), but got (${given.map((value) => formatValue(value, 40)).join(", ")}).`,
    );
  const known = toName(name, "The name of a task");
  const config = toJobConfig(known, options);
  const definition = new TaskDefinition(
    known,
    fn as (...args: never[]) => unknown,
    config,
    params as Params | undefined,
  );
  const made = createTask(definition);
  register(made, callerFile(task));
  return made;
}

/**
 * The function that stands for a task.
 *
 * @param change - what `with` makes of its options
 */
export function createTask(definition: TaskDefinition, change: typeof changeJobConfig = changeJobConfig): AnyTask {
  const { name } = definition;
  const made = async (...args: never[]): Promise<unknown> => {
    const controller = new AbortController();
    return definition.call(args, () => controller.signal, openOverrides());
  };
  Object.defineProperty(made, "name", { value: name });
  const create = (args: readonly unknown[], settings?: TaskSettings, requestId?: string): AddedJob =>
    createTaskJob(made as unknown as AnyTask, definition, args, settings, requestId);
  Object.assign(made, {
    [createJob](...request: Parameters<typeof create>) {
      if (definition.config.transaction !== undefined)
        throw new DeclarationError(
          `Task "${name}".with({ transaction }) cannot be added to a request's tasks, which are stored when the handler has ended. Call enqueue() while the transaction is open.`,
        );
      return create(...request);
    },
    async enqueue(...args: unknown[]) {
      const job = create(args);
      await currentClient().storeJobs([job], definition.config.transaction);
      return job;
    },
    with: (options: WithOptions) => createTask(definition.withConfig(change(name, options, definition.config)), change),
    call: (...args: unknown[]) => new Call(definition, args, false),
    withResult: (...rest: unknown[]) => new Call(definition, rest, true),
  });
  rememberDefinition(made, definition);
  return made as unknown as AnyTask;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
