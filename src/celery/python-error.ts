import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { pythonRepr, pythonStr } from "./python-repr.ts";

/** An exception of Python as results carry it: its class by name, and what it was made with. */
export interface PythonError {
  /** The name of its class: `"KeyError"`. */
  readonly name: string;
  /** What `str(error)` gives in Python. */
  readonly message: string;
  /** Where its class is: `"builtins"`. */
  readonly module: string;
  /** What it was made with. */
  readonly args: readonly JsonValue[];
}

/** The module of errors that Python has no class for: it makes one by the name. */
export const errorModule = "ts.errors";

const builtins: Readonly<Record<string, string>> = {
  Error: "Exception",
  TypeError: "TypeError",
  RangeError: "ValueError",
};

/**
 * An error of JavaScript as an exception: `Error` as `Exception`, `TypeError` as itself, `RangeError` as `ValueError`; any other
 * keeps its name, in a module of its own.
 */
export function toPythonError(error: { readonly name: string; readonly message: string }): PythonError {
  const builtin = Object.hasOwn(builtins, error.name) ? builtins[error.name] : undefined;
  return {
    name: builtin ?? toIdentifier(error.name),
    message: error.message,
    module: builtin === undefined ? errorModule : "builtins",
    args: [error.message],
  };
}

/** The name that an error has here which was an exception: the reverse of {@link toPythonError}. */
export function toErrorName(error: Pick<PythonError, "name" | "module">): string {
  if (error.module !== "builtins") return error.name;
  return Object.keys(builtins).find((name) => builtins[name] === error.name) ?? error.name;
}

/** What a result has in place of a value when the task failed. */
export function encodePythonError(error: PythonError): JsonObject {
  return { exc_type: error.name, exc_message: error.args, exc_module: error.module };
}

/** What such a result says; anything else is taken for the message of an `Exception`. */
export function decodePythonError(value: JsonValue): PythonError {
  if (!isJsonObject(value) || typeof value.exc_type !== "string")
    return { name: "Exception", message: pythonStr(value), module: "builtins", args: [value] };
  const { exc_type: name, exc_message, exc_module } = value;
  const args = Array.isArray(exc_message) ? (exc_message as readonly JsonValue[]) : [exc_message ?? ""];
  return {
    name,
    message: toMessage(name, args),
    module: typeof exc_module === "string" ? exc_module : "celery.backends.base",
    args,
  };
}

function toMessage(name: string, args: readonly JsonValue[]): string {
  const [first, ...rest] = args;
  if (first === undefined) return "";
  if (rest.length === 0) return name === "KeyError" ? pythonRepr(first) : pythonStr(first);
  return `(${args.map((arg) => pythonRepr(arg)).join(", ")})`;
}

/** A name that a class may have: Python splits it at dots, and refuses some characters. */
function toIdentifier(name: string): string {
  const identifier = name
    .replaceAll(/[^\p{L}\p{N}_]/gu, "_")
    .slice(0, 100)
    .toWellFormed();
  return /^[\p{L}_]/u.test(identifier) ? identifier : `Error${identifier}`;
}
