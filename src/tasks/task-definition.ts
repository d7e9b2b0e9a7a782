import type { Overrides } from "../app/overrides.ts";
import { BackgroundTasks } from "../background/background-tasks.ts";
import type { Params } from "../dependencies/dependency.ts";
import { createPlan, type Plan } from "../dependencies/plan.ts";
import type { BoundSource } from "../dependencies/source.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { isRequestClass } from "../internal/platform.ts";
import type { Awaitable } from "../internal/thenable.ts";
import { callInScope } from "./job-scope.ts";
import type { JobConfig } from "./task-options.ts";

/** What a task is, whatever options its jobs are given. */
export class TaskDefinition {
  readonly name: string;
  readonly fn: (...args: never[]) => unknown;
  readonly config: JobConfig;
  readonly #params: Params | undefined;
  readonly #label: string;
  #plan: Plan | undefined;
  #planned: { overrides: Overrides; version: number } | undefined = undefined;

  /**
   * @param params - dependencies whose values the function gets first; `undefined` if it gets only its arguments
   * @throws {DeclarationError} when one of them needs a request
   */
  constructor(name: string, fn: (...args: never[]) => unknown, config: JobConfig, params: Params | undefined) {
    this.name = name;
    this.fn = fn;
    this.config = config;
    this.#params = params;
    this.#label = `Task "${name}"`;
    this.#plan = params && this.#createPlan(params, new Map());
  }

  /** Calls the function with its dependencies solved, and closes them. A promise only if something of it is asynchronous. */
  call(args: readonly unknown[], signal: () => AbortSignal, overrides: Overrides | undefined): Awaitable<unknown> {
    if (this.#plan === undefined) return this.fn(...(args as never[]));
    return callInScope(this.#planFor(overrides), this.fn, args, signal);
  }

  /** Whether something may stand in for its dependencies. */
  isOverriddenBy(overrides: Overrides | undefined): boolean {
    return this.#params !== undefined && overrides !== undefined && overrides.map.size > 0;
  }

  /** Whether its function gets values of dependencies. */
  get hasDependencies(): boolean {
    return this.#params !== undefined;
  }

  /** Another task of the same name and function. */
  withConfig(config: JobConfig): TaskDefinition {
    return new TaskDefinition(this.name, this.fn, config, this.#params);
  }

  #planFor(overrides: Overrides | undefined): Plan {
    if (overrides === undefined || (overrides.version === 0 && this.#planned === undefined)) return this.#plan!;
    if (this.#planned?.overrides !== overrides || this.#planned.version !== overrides.version) {
      this.#plan = this.#createPlan(this.#params!, overrides.map);
      this.#planned = { overrides, version: overrides.version };
    }
    return this.#plan!;
  }

  #createPlan(params: Params, overrides: Overrides["map"]): Plan {
    const plan = createPlan([], params, { label: this.#label, token: (value) => this.#token(value), overrides });
    const foreign = plan.sources.find(({ place }) => place !== "token");
    if (foreign)
      throw new DeclarationError(
        `${this.#label} needs ${foreign.label} of a request, but a job has none: it may run in another process, long after. Pass the value as an argument.`,
      );
    return plan;
  }

  #token(value: unknown): BoundSource | undefined {
    if (value === AbortSignal) return signalToken;
    if (value === BackgroundTasks)
      throw new DeclarationError(
        `${this.#label} needs BackgroundTasks, which belong to a request, and a job has none. Call enqueue() of another task inside it, or await the function itself.`,
      );
    // By its name, because what makes replies knows tasks, and not the other way round.
    const isReply = typeof value === "function" && value.name === "Reply";
    if (isReply || isRequestClass(value))
      throw new DeclarationError(
        `${this.#label} needs the ${isReply ? "Reply" : "Request"} of a request, but a job has none: it may run in another process, long after. Pass what it needs as an argument.`,
      );
    return undefined;
  }
}

/** Aborts when the job is canceled, times out, or is given back at shutdown. */
const signalToken: BoundSource = {
  place: "token",
  name: "AbortSignal",
  source: undefined,
  label: "AbortSignal",
  read: (scope) => scope.signal,
};

const definitions = new WeakMap<object, TaskDefinition>();

/** The definition behind a task. */
export function definitionOf(task: object): TaskDefinition {
  return definitions.get(task)!;
}

export function rememberDefinition(task: object, definition: TaskDefinition): void {
  definitions.set(task, definition);
}
