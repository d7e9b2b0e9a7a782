import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { andThen, isThenable, type Awaitable } from "../internal/thenable.ts";
import { Dependency, type Declaration, type Params } from "./dependency.ts";
import { isGenerator, openGenerator } from "./generators.ts";
import type { RequestScope } from "./request-scope.ts";
import { invalid, Source, type BoundSource } from "./source.ts";

/** What planning needs to know of the app. */
export interface PlanContext {
  /** Whose plan it is, for errors: `GET /users/:id`. */
  readonly label: string;
  /** The source behind a class that is used as a token; `undefined` if it is none. */
  token(value: unknown): BoundSource | undefined;
  /** Dependencies that others stand in for. */
  readonly overrides: ReadonlyMap<Dependency<unknown>, Dependency<unknown>>;
  /** Whether several plans are solved for one request: what one has solved is in the scope's memo for the others. */
  readonly isShared?: boolean;
}

/** One value to work out. Its place in `steps` is its place in `scope.values`. */
interface Step {
  read(scope: RequestScope): unknown;
}

/** Under which keys a function gets which values. */
interface Keys {
  readonly names: readonly string[];
  readonly steps: readonly number[];
}

/**
 * The order in which the declarations of a route are solved, worked out once: a flat list in which each value comes
 * after those it needs. Nothing is walked while a request runs.
 */
export class Plan {
  readonly #steps: readonly Step[];
  readonly #keys: Keys;
  /** Everything that is read from the request, in the order in which it is read. */
  readonly sources: readonly BoundSource[];

  constructor(steps: readonly Step[], keys: Keys, sources: readonly BoundSource[]) {
    this.#steps = steps;
    this.#keys = keys;
    this.sources = sources;
  }

  /** Solves everything into `scope.values`; a promise only if something in it is asynchronous. */
  solve(scope: RequestScope, from = 0): Awaitable<void> {
    const steps = this.#steps;
    for (let index = from; index < steps.length; index++) {
      const value = steps[index]!.read(scope);
      if (typeof value === "object" && value !== null && isThenable(value))
        return value.then((resolved) => {
          scope.values[index] = resolved;
          return this.solve(scope, index + 1);
        });
      scope.values[index] = value;
    }
    return undefined;
  }

  /** What the handler gets, when all is solved. */
  arguments(scope: RequestScope): Record<string, unknown> {
    return gather(this.#keys, scope);
  }
}

/**
 * Plans the dependencies that must be solved first and then the record of a route.
 *
 * @throws {DeclarationError} for a cycle, a mistaken scope, two bodies, or a value that is no declaration
 */
export function createPlan(first: readonly Dependency<unknown>[], params: Params, context: PlanContext): Plan {
  const planner = new Planner(context);
  for (const dependency of first) planner.addDependency(dependency, []);
  return new Plan(planner.steps, planner.addParams(params, []), planner.sources);
}

class Planner {
  readonly steps: Step[] = [];
  readonly sources: BoundSource[] = [];
  readonly #context: PlanContext;
  readonly #shared = new Map<Dependency<unknown>, number>();
  readonly #scopes = new Map<Dependency<unknown>, "request" | "function">();

  constructor(context: PlanContext) {
    this.#context = context;
  }

  addParams(params: Params, chain: readonly Dependency<unknown>[]): Keys {
    const names = Object.keys(params);
    return { names, steps: names.map((name) => this.#add(name, params[name]!, chain)) };
  }

  #add(key: string, declaration: Declaration, chain: readonly Dependency<unknown>[]): number {
    if (key === "__proto__")
      throw new DeclarationError(`${this.#where(chain)}: a parameter cannot be called "__proto__".`);
    if (declaration instanceof Dependency) return this.addDependency(declaration, chain);
    const bound = declaration instanceof Source ? declaration.bind(key) : this.#context.token(declaration);
    if (bound === undefined)
      throw new DeclarationError(
        `${this.#where(chain)}: parameter "${key}" must be declared with path(), query(), header(), cookie(), body(), form(), file(), files(), bearer() and the like, a dependency(), or one of the classes BackgroundTasks, Request, AbortSignal, Reply and WebSocketConnection, but got ${formatValue(declaration)}.`,
      );
    this.#checkBodies(bound, chain);
    this.sources.push(bound);
    return this.steps.push(bound) - 1;
  }

  addDependency(declared: Dependency<unknown>, chain: readonly Dependency<unknown>[]): number {
    const dependency = this.#context.overrides.get(declared) ?? declared;
    const known = this.#shared.get(dependency);
    if (known !== undefined) return known;
    const inner = [...chain, dependency];
    if (chain.includes(dependency))
      throw new DeclarationError(
        `${this.#context.label}: dependencies need each other in a circle: ${inner.map(nameOf).join(" → ")}.`,
      );
    const keys = this.addParams(dependency.params, inner);
    this.#checkScope(dependency, inner);
    const step = dependencyStep(dependency, keys);
    const isRemembered = this.#context.isShared === true && dependency.cache;
    const index = this.steps.push(isRemembered ? rememberedStep(dependency, step) : step) - 1;
    if (dependency.cache) this.#shared.set(dependency, index);
    return index;
  }

  /** One that cleans up after the tasks cannot need one that is closed before them. */
  #checkScope(dependency: Dependency<unknown>, chain: readonly Dependency<unknown>[]): void {
    const closedEarly = Object.values(dependency.params)
      .filter((declaration) => declaration instanceof Dependency)
      .map((declaration) => this.#context.overrides.get(declaration) ?? declaration)
      .find((needed) => this.#scopes.get(needed) === "function");
    const mustStayOpen =
      dependency.scope === "request" && (dependency.hasOwnScope || isGeneratorFunction(dependency.fn));
    if (closedEarly && mustStayOpen)
      throw new DeclarationError(
        `${this.#context.label}: dependency "${dependency.name}" has scope "request", which ends after the background tasks, but it needs "${closedEarly.name}" of scope "function", which is closed before them (${[...chain, closedEarly].map(nameOf).join(" → ")}). Give both the same scope.`,
      );
    this.#scopes.set(dependency, dependency.scope === "function" || closedEarly ? "function" : "request");
  }

  /** A body can be read once, as JSON or as a form. */
  #checkBodies(bound: BoundSource, chain: readonly Dependency<unknown>[]): void {
    if (bound.place !== "body" && bound.place !== "form" && bound.place !== "file") return;
    const clash = this.sources.find(
      (other) =>
        (other.place === "body" || other.place === "form" || other.place === "file") &&
        (bound.place === "body" ||
          other.place === "body" ||
          (bound.place === "form" && other.place === "form") ||
          bound.name === other.name),
    );
    if (!clash) return;
    throw new DeclarationError(
      `${this.#where(chain)}: ${bound.label} cannot be declared beside ${clash.label}, because a request has one body. Declare one body() or one form() with all fields; file() and files() may stand beside form(), each under its own name. To use it in several places, read it in a dependency() and declare that.`,
    );
  }

  #where(chain: readonly Dependency<unknown>[]): string {
    return chain.length === 0 ? this.#context.label : `${this.#context.label}, in ${chain.map(nameOf).join(" → ")}`;
  }
}

function dependencyStep(dependency: Dependency<unknown>, keys: Keys): Step {
  const call = dependency.fn as (values: unknown) => unknown;
  return {
    read(scope) {
      // What it needs is invalid: the answer is a 422, and it is not called.
      for (const step of keys.steps) if (scope.values[step] === invalid) return invalid;
      return andThen(call(gather(keys, scope)), (result) =>
        isGenerator(result) ? openGenerator(scope, result, dependency) : result,
      );
    },
  };
}

/** Solved once for a request, whichever plan comes first; others wait for it. */
function rememberedStep(dependency: Dependency<unknown>, step: Step): Step {
  return {
    read(scope) {
      if (scope.memo.has(dependency)) return scope.memo.get(dependency);
      const value = step.read(scope);
      scope.memo.set(dependency, value);
      return value;
    },
  };
}

function gather({ names, steps }: Keys, { values }: RequestScope): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (let index = 0; index < names.length; index++) record[names[index]!] = values[steps[index]!];
  return record;
}

function isGeneratorFunction(fn: unknown): boolean {
  const tag = Object.prototype.toString.call(fn);
  return tag === "[object GeneratorFunction]" || tag === "[object AsyncGeneratorFunction]";
}

function nameOf(dependency: Dependency<unknown>): string {
  return dependency.name;
}
