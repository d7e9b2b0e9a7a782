import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Problem } from "../dependencies/problem.ts";
import { toProblemInput } from "./problem-input.ts";

/** What is added to a Standard Schema issue by the libraries we know. */
type LibraryIssue = StandardSchemaV1.Issue & {
  readonly code?: unknown;
  readonly kind?: unknown;
  /** How arktype and valibot spell what came. */
  readonly actual?: unknown;
  readonly received?: unknown;
};

/**
 * Says an issue of a schema library in the form of a 422.
 *
 * @param loc - where the checked value stands in the request
 * @param came - the checked value as it came, before coercion
 */
export function toProblem(
  issue: StandardSchemaV1.Issue,
  loc: Problem["loc"],
  came: unknown,
  isSecret: boolean,
): Problem {
  // Not map(): arktype's path is a subclass of Array that map() cannot make.
  const path = Array.from(issue.path ?? [], toKey);
  const found = follow(came, path);
  const isMissing = found === missing;
  const type = isMissing ? "missing" : typeCode(issue);
  const msg = isMissing && !isCustom(issue) ? missingMessage : issue.message;
  const problem = { type, loc: [...loc, ...path], msg };
  if (isSecret) return isMissing || !repeats(issue, found) ? problem : { ...problem, msg: "Invalid value" };
  return { ...problem, input: isMissing ? null : toProblemInput(found) };
}

/** The problem of a value that is absent and must not be. */
export function missingProblem(loc: Problem["loc"], isSecret: boolean): Problem {
  const problem = { type: "missing", loc, msg: missingMessage };
  return isSecret ? problem : { ...problem, input: null };
}

const missingMessage = "Field required";
const missing: unique symbol = Symbol("missing");

function typeCode({ code }: LibraryIssue): string {
  return typeof code === "string" ? code : "value_error";
}

/** Whether the user's own check complains, whose words say more than that something is absent. */
function isCustom({ code, kind }: LibraryIssue): boolean {
  return code === "custom" || code === "predicate" || kind === "validation";
}

/** Whether the message says what came, as "must be a number (was hunter2)" does. */
function repeats({ message, actual, received }: LibraryIssue, came: unknown): boolean {
  const spellings = [
    actual,
    received,
    ...(typeof came === "object" ? [] : [String(came), JSON.stringify(came)?.slice(1, -1)]),
  ];
  return spellings.some((spelling) => typeof spelling === "string" && spelling !== "" && message.includes(spelling));
}

function toKey(segment: PropertyKey | StandardSchemaV1.PathSegment): string | number {
  const key = typeof segment === "object" ? segment.key : segment;
  return typeof key === "number" ? key : String(key);
}

/** What stands at a path; the last value that could be looked into, where the path goes on inside a text. */
function follow(came: unknown, path: readonly (string | number)[]): unknown {
  let found = came;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return found;
    if (!Object.hasOwn(found, key)) return missing;
    found = (found as Record<string | number, unknown>)[key];
  }
  return found === undefined ? missing : found;
}
