import type { HonoRequest } from "hono";
import type { RequestTasks } from "../background/request-tasks.ts";
import { closeScope, throwIntoGenerators, type OpenGenerator } from "../dependencies/generators.ts";
import type { Plan } from "../dependencies/plan.ts";
import type { Problem } from "../dependencies/problem.ts";
import type { Limits, RequestScope } from "../dependencies/request-scope.ts";
import type { BoundSource } from "../dependencies/source.ts";
import { AfterwordError } from "../internal/afterword-error.ts";

/** What the dependencies of a job are solved on. Nothing of a request is there: its plan was checked for that. */
class JobScope implements RequestScope {
  readonly values: unknown[] = [];
  readonly sources: readonly BoundSource[] = [];
  readonly limits: Limits = { maxBodyBytes: 0 };
  problems: Problem[] | undefined = undefined;
  opened: OpenGenerator[] | undefined = undefined;
  readonly #signal: () => AbortSignal;
  #memo: Map<object, unknown> | undefined = undefined;

  constructor(signal: () => AbortSignal) {
    this.#signal = signal;
  }

  get signal(): AbortSignal {
    return this.#signal();
  }

  get memo(): Map<object, unknown> {
    return (this.#memo ??= new Map());
  }

  get req(): HonoRequest {
    throw new AfterwordError("no_request", "A job has no request.");
  }

  get tasks(): RequestTasks {
    throw new AfterwordError("no_request", "A job has no background tasks of a request.");
  }
}

/**
 * Solves the dependencies, calls the function with their values and its arguments, and closes them: only then has the
 * task succeeded. An error is thrown into those that are open, innermost first.
 */
export async function callInScope(
  plan: Plan,
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  signal: () => AbortSignal,
): Promise<unknown> {
  const scope = new JobScope(signal);
  let result: unknown;
  try {
    await plan.solve(scope);
    result = await fn(plan.arguments(scope) as never, ...(args as never[]));
  } catch (error) {
    throw (await throwIntoGenerators(scope, error)).error;
  }
  await closeScope(scope);
  return result;
}
