import { AfterwordError, DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";
import { isGenerator } from "../dependencies/generators.ts";

/** What surrounds the life of an app: code before `yield` runs at start, code after it at the end. */
export type LifespanFunction<A> = (
  app: A,
) => AsyncGenerator<unknown, unknown, unknown> | Generator<unknown, unknown, unknown>;

/** Runs a lifespan function: once up to its `yield`, once to its end. */
export class Lifespan<A> {
  readonly #fn: LifespanFunction<A> | undefined;
  readonly #app: A;
  #generator: ReturnType<LifespanFunction<A>> | undefined;

  /** @throws {DeclarationError} when `fn` is not a function */
  constructor(fn: LifespanFunction<A> | undefined, app: A) {
    if (fn !== undefined && typeof fn !== "function")
      throw new DeclarationError(
        `lifespan must be a generator function such as async function* (app) { …; yield; … }, but got ${formatValue(fn)}.`,
      );
    this.#fn = fn;
    this.#app = app;
  }

  async open(): Promise<void> {
    if (this.#fn === undefined) return;
    const generator = this.#fn(this.#app);
    if (!isGenerator(generator))
      throw new DeclarationError(
        "lifespan must be a generator function such as async function* (app) { …; yield; … }: write an asterisk after function, and a yield where the app serves.",
      );
    const { done } = await generator.next();
    if (done)
      throw new AfterwordError(
        "no_yield",
        "The lifespan ended without a yield. Write one where the app serves; what stands after it runs at the end.",
      );
    this.#generator = generator;
  }

  async close(): Promise<void> {
    const generator = this.#generator;
    this.#generator = undefined;
    if (generator === undefined) return;
    const { done } = await generator.next();
    if (done) return;
    await generator.return(undefined);
    throw new AfterwordError(
      "yielded_twice",
      "The lifespan must yield once, but it yielded again where only clean-up is expected.",
    );
  }
}
