import { partsOf, type Signature } from "./signature.ts";
import { readOptions } from "./signature-options.ts";
import { placeOf, placeSignature } from "./signature-place.ts";

/** The steps of a chain and of the chains in it. What an inner one is given is its last step's. */
export function flattenChain(signature: Signature, createId: () => string): readonly Signature[] {
  return partsOf(signature).flatMap((step) => {
    if (step.subtask_type !== "chain") return [step];
    const steps = flattenChain(step, createId);
    const last = steps.at(-1);
    return last === undefined ? [] : [...steps.slice(0, -1), placeSignature(last, placeOf(step), createId)];
  });
}

/** The parts of a group and of the groups in it, which all run side by side. */
export function flattenGroups(parts: readonly Signature[]): readonly Signature[] {
  return parts.flatMap((part) => (part.subtask_type === "group" ? flattenGroups(partsOf(part)) : [part]));
}

/** The id that a header was given as a group. */
export function groupIdOf(header: readonly Signature[]): string | undefined {
  const [group, ...others] = header;
  return group?.subtask_type === "group" && others.length === 0 ? readOptions(group).taskId : undefined;
}
