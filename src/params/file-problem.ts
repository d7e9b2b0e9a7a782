import type { Problem } from "../dependencies/problem.ts";
import type { FileHead, FileRule } from "./file-rule.ts";
import type { FormPlan } from "./form-plan.ts";
import { assertNameLength } from "./form-texts.ts";
import { toProblemInput } from "./problem-input.ts";

/**
 * The problem of a file that no declaration has asked for.
 *
 * @throws {HTTPException} 413 when its name is too long to be repeated
 */
export function undeclaredFile(plan: FormPlan, name: string, { filename }: FileHead): Problem {
  assertNameLength(name);
  const expected = [...plan.keys()].map((key) => JSON.stringify(key)).join(", ") || "none";
  const msg = `No file is expected under this name; expected are ${expected}`;
  return { type: "value_error", loc: ["body", name], msg, input: toProblemInput(filename) };
}

/** The problem of a file after the last that there may be under its name. */
export function surplusFile({ name, maxCount, isSecret }: FileRule, { filename }: FileHead): Problem {
  const msg = `Expected at most ${maxCount} ${maxCount === 1 ? "file" : "files"}`;
  const problem = { type: "value_error", loc: ["body", name], msg };
  return isSecret ? problem : { ...problem, input: toProblemInput(filename) };
}

/** The problem of text where a file belongs. */
export function textForFile({ name, isSecret }: FileRule, text: string): Problem {
  const problem = { type: "value_error", loc: ["body", name], msg: "Expected a file, but got text" };
  return isSecret ? problem : { ...problem, input: toProblemInput(text) };
}
