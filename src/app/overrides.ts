import { Dependency } from "../dependencies/dependency.ts";
import { DeclarationError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";

/**
 * Dependencies that others stand in for, in tests.
 *
 * @example
 * ```ts
 * import { App, dependency } from "afterword";
 *
 * const getUser = dependency(() => ({ name: "Ada" }));
 * const app = new App();
 * app.overrides.set(getUser, dependency(() => ({ name: "Test" })));
 * app.overrides.clear();
 * ```
 */
export class Overrides {
  readonly #map = new Map<Dependency<unknown>, Dependency<unknown>>();
  /** Counts the changes, so that a plan made before the last one is made again. */
  version = 0;

  /** From the next request on, `replacement` is solved wherever `original` is declared. */
  set<T>(original: Dependency<T>, replacement: Dependency<T>): this {
    for (const value of [original, replacement]) {
      if (!(value instanceof Dependency))
        throw new DeclarationError(
          `overrides.set() expects two values made by dependency(), but got ${formatValue(value)}.`,
        );
    }
    this.#map.set(original, replacement);
    this.version++;
    return this;
  }

  /** Whether there was a replacement to remove. */
  delete(original: Dependency<unknown>): boolean {
    this.version++;
    return this.#map.delete(original);
  }

  clear(): void {
    this.version++;
    this.#map.clear();
  }

  get map(): ReadonlyMap<Dependency<unknown>, Dependency<unknown>> {
    return this.#map;
  }
}
