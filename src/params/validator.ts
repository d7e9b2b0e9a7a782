import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Problem } from "../dependencies/problem.ts";
import { addProblem, type RequestScope } from "../dependencies/request-scope.ts";
import { invalid } from "../dependencies/source.ts";
import { isThenable } from "../internal/thenable.ts";
import { missingProblem, toProblem } from "./issue-problem.ts";

type Result = StandardSchemaV1.Result<unknown>;

/** Checks the values of one declaration with its schema. Synchronous where the schema is. */
export class Validator {
  readonly #standard: StandardSchemaV1.Props;
  readonly #loc: Problem["loc"];
  readonly #isSecret: boolean;

  /** @param loc - where the value stands in the request, for problems */
  constructor(schema: StandardSchemaV1, loc: Problem["loc"], isSecret: boolean) {
    // Kept, because some libraries make it anew each time they are asked.
    this.#standard = schema["~standard"];
    this.#loc = loc;
    this.#isSecret = isSecret;
  }

  /**
   * The valid value, or `invalid` after adding the problems; a promise of it if the schema is asynchronous. What the
   * schema throws is thrown.
   *
   * @param came - the value before coercion
   */
  accept(scope: RequestScope, value: unknown, came: unknown): unknown {
    const result = this.#standard.validate(value);
    if (isThenable(result)) return result.then((settled) => this.#settle(scope, settled as Result, came));
    return this.#settle(scope, result as Result, came);
  }

  /** What the schema makes of an absent value: its default, or one problem. */
  acceptAbsent(scope: RequestScope): unknown {
    const result = this.#standard.validate(undefined);
    if (isThenable(result)) return result.then((settled) => this.#settleAbsent(scope, settled as Result));
    return this.#settleAbsent(scope, result as Result);
  }

  #settle(scope: RequestScope, result: Result, came: unknown): unknown {
    if (!result.issues) return result.value;
    for (const issue of result.issues) addProblem(scope, toProblem(issue, this.#loc, came, this.#isSecret));
    return invalid;
  }

  #settleAbsent(scope: RequestScope, result: Result): unknown {
    if (!result.issues) return result.value;
    addProblem(scope, missingProblem(this.#loc, this.#isSecret));
    return invalid;
  }
}
