import type { StandardSchemaV1 } from "@standard-schema/spec";
import { addProblem, type RequestScope } from "../dependencies/request-scope.ts";
import { invalid, type BoundSource } from "../dependencies/source.ts";
import { BoundText } from "./bound-text.ts";
import { readArguments } from "./declaration-arguments.ts";
import { missingProblem } from "./issue-problem.ts";
import { namedParameterOptions, type NamedParameterOptions } from "./parameter-options.ts";
import { Parameter } from "./parameter.ts";

/** A part of the path, declared with {@link path}. */
export class PathParameter<T> extends Parameter<T, NamedParameterOptions> {
  readonly place = "path";

  bind(key: string): BoundSource {
    return new BoundPath(this, this.options.alias ?? key);
  }
}

class BoundPath extends BoundText {
  read(scope: RequestScope): unknown {
    const text: string | undefined = scope.req.param(this.name);
    if (text === undefined && this.validator === undefined) {
      // An optional part, as in "/:id?", whose type says that it is there.
      addProblem(scope, missingProblem(["path", this.name], this.source.options.secret ?? false));
      return invalid;
    }
    return this.coercion.wantsList && text !== undefined ? this.acceptList(scope, [text]) : this.acceptOne(scope, text);
  }
}

/**
 * Declares a part of the path: `:id` in `"/items/:id"`.
 *
 * Without a schema it is the text between the slashes, with `%20` and the like decoded; what cannot be decoded stays as
 * it came. With a schema, text becomes a number or a boolean first where the schema takes these and no text, and what
 * the schema refuses is answered with 422.
 *
 * @throws {DeclarationError} when the arguments are not of these shapes
 *
 * @example
 * ```ts
 * import { App, path } from "afterword";
 * import * as z from "zod";
 *
 * new App().get("/items/:id", { id: path(z.int().min(1)) }, ({ id }) => ({ id, next: id + 1 }));
 * ```
 */
export function path<S extends StandardSchemaV1>(
  schema: S,
  options?: NamedParameterOptions,
): PathParameter<StandardSchemaV1.InferOutput<S>>;
export function path(options?: NamedParameterOptions): PathParameter<string>;
export function path(...args: unknown[]): PathParameter<unknown> {
  return new PathParameter(readArguments("path", args, namedParameterOptions));
}
