import { dispatch, type Dispatch, type DispatchContext } from "./dispatch.ts";
import type { JsonValue } from "./json.ts";
import type { TaskMessage } from "./message.ts";
import { groupSignature, type Signature } from "./signature.ts";

/**
 * The messages of a signature that is called: of a chain its first, which carries the others; of a group all; of a chord its
 * header's, each of which carries the body. A group that others follow in a chain is the header of a chord.
 */
export function dispatchSignature(signature: Signature, context: DispatchContext): Dispatch {
  return dispatch(signature, {}, context);
}

/** What a task that has succeeded sends: its callbacks, and the next of its chain, each called with the result. */
export function dispatchSuccessors(
  message: TaskMessage,
  result: JsonValue,
  context: Omit<DispatchContext, "args" | "rootId" | "parentId">,
): readonly Dispatch[] {
  const { callbacks, chain } = message;
  const inner: DispatchContext = { ...context, args: [result], rootId: message.rootId, parentId: message.id };
  const dispatches = callbacks.length === 0 ? [] : [dispatchSignature(single(callbacks), inner)];
  const [next, ...rest] = chain;
  if (next !== undefined) dispatches.push(dispatch(next, { chain: rest }, inner));
  return dispatches;
}

/** What a task that has failed for good sends: its errbacks, called with its id. */
export function dispatchErrbacks(
  message: TaskMessage,
  context: Omit<DispatchContext, "args" | "rootId" | "parentId">,
): readonly Dispatch[] {
  if (message.errbacks.length === 0) return [];
  const inner = { ...context, args: [message.id], rootId: message.rootId, parentId: message.id };
  return [dispatchSignature(single(message.errbacks), inner)];
}

function single(signatures: readonly Signature[]): Signature {
  return signatures.length === 1 ? signatures[0]! : groupSignature(signatures);
}
