import { AfterwordError } from "../internal/afterword-error.ts";
import { andThen, type Awaitable } from "../internal/thenable.ts";
import type { Dependency } from "./dependency.ts";
import type { RequestScope } from "./request-scope.ts";

type AnyGenerator = Generator<unknown, unknown, unknown> | AsyncGenerator<unknown, unknown, unknown>;

/** What was thrown, whatever it is. */
export interface Failure {
  readonly error: unknown;
}

/** A dependency that has yielded its value and waits for its clean-up. */
export interface OpenGenerator {
  readonly generator: AnyGenerator;
  readonly dependency: Dependency<unknown>;
}

/** Whether a function's result is a generator, so that what it yields is the value. */
export function isGenerator(value: unknown): value is AnyGenerator {
  if (typeof value !== "object" || value === null) return false;
  const { next, throw: throwInto } = value as Partial<AnyGenerator>;
  return (
    typeof next === "function" &&
    typeof throwInto === "function" &&
    (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

/** Runs a generator up to its `yield` and remembers its clean-up. */
export function openGenerator(
  scope: RequestScope,
  generator: AnyGenerator,
  dependency: Dependency<unknown>,
): Awaitable<unknown> {
  return andThen(generator.next() as Awaitable<IteratorResult<unknown, unknown>>, (result) => {
    if (result.done)
      throw new AfterwordError(
        "no_yield",
        `Dependency "${dependency.name}" is a generator and must yield its value once, but it ended without a yield.`,
      );
    (scope.opened ??= []).push({ generator, dependency });
    return result.value;
  });
}

/** Runs the code after `yield`. */
export function closeGenerator({ generator, dependency }: OpenGenerator): Awaitable<void> {
  return andThen(generator.next() as Awaitable<IteratorResult<unknown, unknown>>, (result) => {
    if (!result.done)
      return andThen(generator.return(undefined) as Awaitable<unknown>, () => {
        throw yieldedTwice(dependency);
      });
    return undefined;
  });
}

/**
 * Closes the open generators of scope `"function"`, last opened first. When one fails, its error is thrown into those
 * that are left, as an error of the request would be: after a failed commit the outer ones must not commit either.
 */
export function closeFunctionScope(scope: Pick<RequestScope, "opened">): Awaitable<void> {
  const opened = scope.opened;
  if (opened === undefined || !opened.some(({ dependency }) => dependency.scope === "function")) return undefined;
  return closeEach(scope, opened.filter(({ dependency }) => dependency.scope === "function").toReversed());
}

/** Closes all open generators: those of scope `"function"` first, then the others, each last opened first, with the same care. */
export function closeScope(scope: RequestScope): Awaitable<void> {
  const { opened } = scope;
  if (opened === undefined) return undefined;
  const last = opened.toReversed();
  return closeEach(scope, [
    ...last.filter(({ dependency }) => dependency.scope === "function"),
    ...last.filter(({ dependency }) => dependency.scope !== "function"),
  ]);
}

async function closeEach(scope: Pick<RequestScope, "opened">, generators: readonly OpenGenerator[]): Promise<void> {
  // In an object, because `undefined` can be thrown, and a thrown promise must not be awaited.
  let failure: Failure | undefined;
  for (const open of generators) {
    scope.opened!.splice(scope.opened!.indexOf(open), 1);
    try {
      if (failure === undefined) await closeGenerator(open);
      else await open.generator.throw(failure.error);
    } catch (error) {
      failure = { error };
    }
  }
  if (failure) throw failure.error;
}

/** Hands the open generators of scope `"request"` over to run after the tasks. */
export function deferRequestScope(scope: Pick<RequestScope, "opened" | "tasks">): void {
  for (const open of scope.opened ?? [])
    scope.tasks.addCleanup({ name: `dependency "${open.dependency.name}"`, run: () => closeGenerator(open) });
  scope.opened = undefined;
}

/**
 * Throws the request's error at the `yield` of each open generator, innermost first. One that throws another error in
 * its place has translated it, and the outer ones see the translation.
 *
 * @returns the error to answer with
 */
export async function throwIntoGenerators(scope: Pick<RequestScope, "opened">, error: unknown): Promise<Failure> {
  const opened = scope.opened ?? [];
  scope.opened = undefined;
  for (const open of opened.toReversed()) {
    try {
      const result = await open.generator.throw(error);
      if (!result.done) {
        await open.generator.return(undefined);
        error = yieldedTwice(open.dependency);
      }
    } catch (thrown) {
      error = thrown;
    }
  }
  return { error };
}

function yieldedTwice(dependency: Dependency<unknown>): AfterwordError {
  return new AfterwordError(
    "yielded_twice",
    `Dependency "${dependency.name}" must yield once, but it yielded again where only clean-up is expected.`,
  );
}
