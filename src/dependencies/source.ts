import type { RequestScope } from "./request-scope.ts";

/** Stands for a value that could not be had: the reason is among the scope's problems. */
export const invalid: unique symbol = Symbol("invalid");

/** Where a source reads from. `token` is what the framework makes itself. */
export type SourcePlace = "path" | "query" | "header" | "cookie" | "body" | "form" | "file" | "token" | "security";

/** A declared value of type `T` that is read from the request: `query()`, `body()`, … */
export abstract class Source<T> {
  /** Carries the type only. */
  declare readonly "~value": T;

  /** Fixes its name and everything else that can be known before a request comes. Called once for each place in a record. */
  abstract bind(key: string): BoundSource;
}

/** A source with its name, as a plan uses it. */
export interface BoundSource {
  readonly place: SourcePlace;
  /** Its name on the wire. */
  readonly name: string;
  /** The source it was bound from; `undefined` for tokens. */
  readonly source: Source<unknown> | undefined;
  /** For errors: `query "q"`. */
  readonly label: string;
  /**
   * The value, or a promise of it; {@link invalid} after adding the reason to `scope.problems`. Throws only what should
   * end the request at once.
   */
  read(scope: RequestScope): unknown;
}
