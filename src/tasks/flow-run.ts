import { Call } from "./call.ts";
import { openOverrides } from "./current-client.ts";
import type { FlowNode, FlowPart } from "./flow.ts";

/** Runs a flow here and now: the functions, without a broker. Rejects with the first error. */
export async function runFlow(node: FlowNode, previous?: unknown): Promise<unknown> {
  if (node.kind === "group") return Promise.all(node.parts.map((part) => runPart(part, previous)));
  let result = previous;
  for (const part of node.parts) result = await runPart(part, result);
  return result;
}

async function runPart(part: FlowPart, previous: unknown): Promise<unknown> {
  if (!(part instanceof Call)) return runFlow(part.node, previous);
  const { definition, args, takesResult } = part;
  const controller = new AbortController();
  return definition.call(takesResult ? [previous, ...args] : args, () => controller.signal, openOverrides());
}
