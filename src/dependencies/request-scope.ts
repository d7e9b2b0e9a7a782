import type { HonoRequest } from "hono";
import type { RequestTasks } from "../background/request-tasks.ts";
import type { OpenGenerator } from "./generators.ts";
import type { Problem } from "./problem.ts";
import type { BoundSource } from "./source.ts";

/** How much of a request is read into memory. */
export interface Limits {
  /** Bytes of a JSON body, and of all fields of a form together; files have limits of their own. */
  readonly maxBodyBytes: number;
}

/** What the solving of one request's declarations works on. */
export interface RequestScope {
  /** Hono's view of the request: path, query and header values, decoded. Its `raw` is the web `Request`. */
  readonly req: HonoRequest;
  /** The tasks of this request; made on first use. */
  readonly tasks: RequestTasks;
  /** Aborted when the client goes away before it has its whole response. */
  readonly signal: AbortSignal;
  /** The solved values, one for each step of the plan. */
  readonly values: unknown[];
  /** What is wrong with the input so far; `undefined` while nothing is. */
  problems: Problem[] | undefined;
  /** The dependencies with clean-up that are open, in the order in which they were opened. */
  opened: OpenGenerator[] | undefined;
  /** How much of a request is read into memory. */
  readonly limits: Limits;
  /** What is made once for the request, by whoever needs it: a parsed form, a reply. */
  readonly memo: Map<object, unknown>;
  /** What the plan reads, so that a form knows all fields and files that are declared. */
  readonly sources: readonly BoundSource[];
}

/** Adds a problem. */
export function addProblem(scope: RequestScope, problem: Problem): void {
  (scope.problems ??= []).push(problem);
}
