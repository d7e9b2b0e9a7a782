import type { BoundSource } from "../dependencies/source.ts";
import { HTTPException } from "../internal/http-exception.ts";
import type { FileRule } from "./file-rule.ts";

/** A bound source that takes files of a form. */
export interface BoundFileSource extends BoundSource {
  readonly rule: FileRule;
}

/** All files that a route declares, by the names of their fields. */
export type FormPlan = ReadonlyMap<string, FileRule>;

const plans = new WeakMap<readonly BoundSource[], FormPlan>();

/** What is declared among the sources of a plan; worked out once. */
export function planForm(sources: readonly BoundSource[]): FormPlan {
  let plan = plans.get(sources);
  if (plan === undefined) {
    plan = new Map(sources.filter(isFileSource).map(({ rule }) => [rule.name, rule]));
    plans.set(sources, plan);
  }
  return plan;
}

/** How many bytes of names and headers the parts of a form may have beside what they carry. */
const maxOverheadBytes = 2 ** 20;

/**
 * How long a whole form can be, if no part of it is too large: a longer one is refused before it is read, and no file
 * that nobody wants is read for longer.
 */
export function maxFormBytes(plan: FormPlan, maxTextBytes: number): number {
  let bytes = maxTextBytes + maxOverheadBytes;
  for (const { maxBytes, maxCount } of plan.values()) bytes += maxBytes * maxCount;
  return bytes;
}

/** For a form that is too long as a whole. */
export function formTooLarge(plan: FormPlan, maxTextBytes: number): HTTPException {
  const files = [...plan.values()].map(
    ({ name, maxBytes, maxCount }) =>
      `, file "${name}" ${maxBytes} bytes${maxCount === 1 ? "" : ` each, ${maxCount} at most`}`,
  );
  return new HTTPException(
    413,
    `The form is too large. Its text may have ${maxTextBytes} bytes together${files.join("")}.`,
    {
      connection: "close",
    },
  );
}

function isFileSource(source: BoundSource): source is BoundFileSource {
  return source.place === "file" && "rule" in source;
}
