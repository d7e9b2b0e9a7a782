import { argumentsToJson } from "./json-value.ts";
import { withKwargs } from "./keyword-arguments.ts";
import type { TaskDefinition } from "./task-definition.ts";

/**
 * A call of a task as a part of a flow. Made by `task.call(...)` and `task.withResult(...)`.
 *
 * `R` is what it returns, `P` what it takes from the part before it: `unknown` if nothing.
 */
export class Call<R, P = unknown> {
  /** Carry types only. */
  declare readonly "~result": R;
  declare readonly "~takes": (previous: P) => void;
  readonly definition: TaskDefinition;
  readonly args: readonly unknown[];
  readonly takesResult: boolean;

  /** @throws {AfterwordError} when the arguments cannot be stored */
  constructor(definition: TaskDefinition, args: readonly unknown[], takesResult: boolean) {
    argumentsToJson(withKwargs(args, definition.config), definition.name);
    this.definition = definition;
    this.args = args;
    this.takesResult = takesResult;
  }
}
