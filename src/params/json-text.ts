import type { Problem } from "../dependencies/problem.ts";
import { findForbiddenKey } from "./forbidden-key.ts";
import { explainJsonError } from "./json-error.ts";
import { toProblemInput } from "./problem-input.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Bytes as a JSON value, or the problem with them. */
export function parseJson(
  bytes: Uint8Array,
  isSecret: boolean,
): { readonly value: unknown } | { readonly problem: Problem } {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { problem: { type: "json_invalid", loc: ["body"], msg: "Invalid JSON: the body is not UTF-8." } };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: toProblem(explainJsonError(text), text, isSecret) };
  }
  const forbidden = findForbiddenKey(text, value);
  return forbidden === undefined
    ? { value }
    : { problem: toProblem(`the key ${forbidden} is not allowed`, text, isSecret) };
}

function toProblem(reason: string, text: string, isSecret: boolean): Problem {
  const problem = { type: "json_invalid", loc: ["body"], msg: `Invalid JSON: ${reason}.` };
  return isSecret ? problem : { ...problem, input: toProblemInput(text) };
}
