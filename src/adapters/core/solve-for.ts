import type { HonoRequest } from "hono";
import { tokenSource } from "../../app/tokens.ts";
import { ValidationError } from "../../app/validation-error.ts";
import type { RequestTasks } from "../../background/request-tasks.ts";
import type { Dependency } from "../../dependencies/dependency.ts";
import type { OpenGenerator } from "../../dependencies/generators.ts";
import { createPlan, type Plan } from "../../dependencies/plan.ts";
import type { Problem } from "../../dependencies/problem.ts";
import type { Limits, RequestScope } from "../../dependencies/request-scope.ts";
import { invalid, type BoundSource } from "../../dependencies/source.ts";
import type { HostedExchange } from "./hosted-exchange.ts";

const limits: Limits = { maxBodyBytes: 1_048_576 };

/** One call of `resolve`: its own plan and values, and everything else that of the request. */
class ResolveScope implements RequestScope {
  readonly req: HonoRequest;
  readonly values: unknown[] = [];
  readonly sources: readonly BoundSource[];
  readonly limits: Limits = limits;
  readonly #exchange: HostedExchange;

  constructor(exchange: HostedExchange, sources: readonly BoundSource[]) {
    this.#exchange = exchange;
    this.sources = sources;
    this.req = exchange.toHonoRequest();
  }

  get tasks(): RequestTasks {
    return this.#exchange.tasks;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  get memo(): Map<object, unknown> {
    return this.#exchange.memo;
  }

  get problems(): Problem[] | undefined {
    return this.#exchange.problems;
  }

  set problems(problems: Problem[] | undefined) {
    this.#exchange.problems = problems;
  }

  get opened(): OpenGenerator[] | undefined {
    return this.#exchange.opened;
  }

  set opened(opened: OpenGenerator[] | undefined) {
    this.#exchange.opened = opened;
  }
}

interface Planned {
  readonly version: number;
  readonly plan: Plan;
}

const plans = new WeakMap<object, WeakMap<Dependency<unknown>, Planned>>();

/** Solves a dependency and those it needs, once for each request however often it is asked for. */
export async function solveFor<T>(exchange: HostedExchange, dependency: Dependency<T>): Promise<T> {
  const plan = planOf(exchange, dependency);
  const scope = new ResolveScope(exchange, plan.sources);
  await plan.solve(scope);
  const { value } = plan.arguments(scope);
  if (value === invalid) throw new ValidationError(exchange.problems ?? []);
  return value as T;
}

function planOf({ host: { overrides } }: HostedExchange, dependency: Dependency<unknown>): Plan {
  let known = plans.get(overrides);
  if (known === undefined) plans.set(overrides, (known = new WeakMap()));
  const planned = known.get(dependency);
  if (planned?.version === overrides.version) return planned.plan;
  const plan = createPlan(
    [],
    { value: dependency },
    {
      label: `resolve(request, ${dependency.name})`,
      token: tokenSource,
      overrides: overrides.map,
      isShared: true,
    },
  );
  known.set(dependency, { version: overrides.version, plan });
  return plan;
}
