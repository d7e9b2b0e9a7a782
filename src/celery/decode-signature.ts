import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import type { Signature } from "./signature.ts";
import { UndecodableMessage } from "./undecodable-message.ts";

/**
 * A signature of a message, with everything that is left out filled in, and the signatures within it.
 *
 * @throws {UndecodableMessage} `invalid_signature`
 */
export function toSignature(value: JsonValue | undefined, what: string): Signature {
  if (!isJsonObject(value)) throw refused(what, "is no object");
  const { task, args = [], kwargs = {}, options = {}, subtask_type = null, immutable = false } = value;
  if (typeof task !== "string" || task === "") throw refused(what, "has no name of a task");
  if (!Array.isArray(args ?? [])) throw refused(what, "has arguments that are no list");
  if (!isJsonObject(kwargs ?? {})) throw refused(what, "has keyword arguments that are no object");
  if (!isJsonObject(options ?? {})) throw refused(what, "has options that are no object");
  if (subtask_type !== null && typeof subtask_type !== "string") throw refused(what, "is of a kind that is no word");
  const signature: Signature = {
    ...value,
    task,
    args: (args ?? []) as readonly JsonValue[],
    kwargs: (kwargs ?? {}) as JsonObject,
    options: toOptions((options ?? {}) as JsonObject, what),
    subtask_type,
    immutable: immutable === true,
  };
  return withParts(signature, what);
}

/**
 * Signatures of a message; one alone, or none.
 *
 * @throws {UndecodableMessage} `invalid_signature`
 */
export function toSignatures(value: JsonValue | undefined, what: string): readonly Signature[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((item: JsonValue, index) => toSignature(item, `${what} ${index + 1}`));
  return [toSignature(value, what)];
}

function withParts(signature: Signature, what: string): Signature {
  const { kwargs } = signature;
  switch (signature.subtask_type) {
    case "chain":
    case "group":
      return { ...signature, kwargs: { ...kwargs, tasks: toSignatures(kwargs.tasks, `${what}: part`) } };
    case "chord":
      return {
        ...signature,
        kwargs: {
          ...kwargs,
          header: isJsonObject(kwargs.header)
            ? toSignature(kwargs.header, `${what}: header`)
            : toSignatures(kwargs.header, `${what}: part`),
          body: toSignature(kwargs.body, `${what}: body`),
        },
      };
    default:
      return signature;
  }
}

const lists = ["chain", "link", "link_error"];

function toOptions(options: JsonObject, what: string): JsonObject {
  const { chord } = options;
  const read: Record<string, JsonValue> = { ...options };
  for (const name of lists) if (name in options) read[name] = toSignatures(options[name], `${what}: ${name}`);
  if (isJsonObject(chord)) read.chord = toSignature(chord, `${what}: chord`);
  else delete read.chord;
  return read;
}

function refused(what: string, why: string): UndecodableMessage {
  return new UndecodableMessage("invalid_signature", `${what} ${why}.`);
}
