import type { WildMessage } from "../../support/celery-transport.ts";

/** What must become of a message. */
export type Fate =
  /** It is set aside with a reason, and whoever waits for its id is told so. */
  | { readonly dead: RegExp; readonly answered: "InvalidTaskError" | "NotRegistered" | undefined }
  /** Its task has run, and returned that. What follows from it may be set aside. */
  | { readonly succeeded: unknown; readonly leaves?: RegExp }
  /** It ends without running. */
  | { readonly ended: "FAILURE" | "REVOKED"; readonly error: string }
  /** It is nothing that could end: it waits for its time. */
  | { readonly waits: true };

/** One message that production may bring. */
export interface PoisonRow<M = WildMessage> {
  readonly name: string;
  readonly message: (id: string) => M;
  /** Under which id its result is found, if it is not its own. */
  readonly resultId?: (id: string) => string;
  readonly fate: Fate;
}

/** A message that cannot be read, whose id can be. */
export function dead(reason: RegExp): Fate {
  return { dead: reason, answered: "InvalidTaskError" };
}

/** A message that says nobody's id. */
export function deadForNobody(reason: RegExp): Fate {
  return { dead: reason, answered: undefined };
}

export const embed = { callbacks: null, errbacks: null, chain: null, chord: null };

/** A right message of protocol 2 for the task that counts its arguments, with changes. */
export function call(id: string, changes: Partial<WildMessage> = {}): WildMessage {
  return {
    headers: { id, task: "poison.count" },
    body: JSON.stringify([["one"], {}, embed]),
    contentType: "application/json",
    contentEncoding: "utf-8",
    ...changes,
  };
}

export function withHeaders(id: string, headers: Readonly<Record<string, unknown>>): WildMessage {
  return call(id, { headers: { id, task: "poison.count", ...headers } });
}

export function withBody(id: string, body: unknown): WildMessage {
  return call(id, { body: JSON.stringify(body) });
}

export function withEmbed(id: string, changes: Readonly<Record<string, unknown>>): WildMessage {
  return withBody(id, [["one"], {}, { ...embed, ...changes }]);
}

/** JSON text nested so deeply. */
export function nested(levels: number): string {
  return "[".repeat(levels) + "]".repeat(levels);
}
