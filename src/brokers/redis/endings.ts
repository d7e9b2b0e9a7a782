import type { Ending } from "../../tasks/ending.ts";
import type { JobErrorData } from "../../tasks/job.ts";
import type { Hold } from "../pulled/store.ts";

/** An error as the scripts take it: its JSON, which is kept as it is, and what BullMQ's tools show of it. */
export function toFailureText(error: JobErrorData): {
  readonly error: string;
  readonly message: string;
  readonly stack: string | undefined;
} {
  // A half of a surrogate pair is no text for the server's parser.
  return {
    error: JSON.stringify(error),
    message: error.message.toWellFormed(),
    stack: error.stack?.toWellFormed(),
  };
}

/** The id, the epoch, the status, and what belongs to it. */
export function toEndingArguments({ id, epoch, ending }: Hold & { readonly ending: Ending }): (string | number)[] {
  return [id, epoch, ending.status, textOf(ending)];
}

function textOf(ending: Ending): string {
  switch (ending.status) {
    case "succeeded":
      return ending.result;
    case "failed":
      return JSON.stringify(toFailureText(ending.error));
    case "retry":
      return JSON.stringify({ ...toFailureText(ending.error), delayMs: ending.delayMs });
    case "canceled":
      return JSON.stringify({ reason: ending.reason.toWellFormed() });
    case "released":
      return "{}";
  }
}
