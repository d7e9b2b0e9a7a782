import { UndecodableMessage } from "./undecodable-message.ts";

/** Why something cannot be read; `"none"` if it can. */
export function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UndecodableMessage) return error.reason;
    throw error;
  }
  return "none";
}
