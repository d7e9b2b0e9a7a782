import { UndecodableMessage } from "./undecodable-message.ts";

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** The deepest arguments that are stored have 300 levels, and stand within signatures within a message. */
const maxDepth = 300;

/** What was read can be written again, also within a message. */
const maxWrittenDepth = 2 * maxDepth;

/**
 * The value of a JSON text as Python writes it.
 *
 * `NaN`, `Infinity`, `-Infinity` and numbers beyond a double become `null`: JSON has no word for them, so nothing that takes
 * the value further could keep them. Integers beyond 2^53 lose their last digits.
 *
 * @param what - what the text is, as it should stand in the error: `"The body"`
 * @throws {UndecodableMessage} `invalid_json`; `too_deep` beyond 300 levels
 */
export function parsePythonJson(text: string, what: string): JsonValue {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    try {
      value = JSON.parse(withoutConstants(text));
    } catch {
      throw new UndecodableMessage("invalid_json", `${what} is not JSON: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  return isSayable(value, what, 0) ? value : toJsonValue(value, what);
}

/**
 * A copy that consists of what JSON can say. What AMQP's tables can hold beyond it becomes the nearest to it: an instant its
 * ISO string, bytes their base64, a bigint a number; `undefined`, and numbers that are not finite, become `null`.
 *
 * @param what - what the value is, as it should stand in the error
 * @throws {UndecodableMessage} `too_deep` beyond 300 levels
 */
export function toJsonValue(value: unknown, what: string): JsonValue {
  return copy(value, what, 0);
}

/**
 * The JSON text of a value, which any JSON parser reads.
 *
 * @throws {TypeError} for what JSON cannot say: a number that is not finite, a bigint, a function, a circle
 */
export function stringifyJson(value: JsonValue): string {
  assertSayable(value, 0);
  return JSON.stringify(value);
}

/** Whether a value is a JSON object, and not an array or `null`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether what JSON.parse has made needs no change: nothing in it is beyond a double. Quicker than a copy of all that comes. */
function isSayable(value: unknown, what: string, depth: number): value is JsonValue {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  assertDepth(depth, what);
  if (Array.isArray(value)) return value.every((item) => isSayable(item, what, depth + 1));
  for (const key in value) if (!isSayable((value as Record<string, unknown>)[key], what, depth + 1)) return false;
  return true;
}

function assertDepth(depth: number, what: string): void {
  if (depth >= maxDepth)
    throw new UndecodableMessage("too_deep", `${what} is nested more than ${maxDepth} levels deep.`);
}

/** Quicker than a replacer, which is called for each value. */
function assertSayable(value: unknown, depth: number): void {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`JSON cannot say ${value}.`);
      return;
    case "object":
      if (value === null) return;
      if (depth > maxWrittenDepth) throw new TypeError("JSON cannot say a circle, or what is nested so deeply.");
      for (const member of Array.isArray(value) ? value : Object.values(value)) assertSayable(member, depth + 1);
      return;
    case "bigint":
    case "function":
    case "symbol":
      throw new TypeError(`JSON cannot say a ${typeof value}.`);
    default:
  }
}

function copy(value: unknown, what: string, depth: number): JsonValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "bigint":
      return copy(Number(value), what, depth);
    case "object":
      return value === null ? null : copyObject(value, what, depth);
    default:
      return null;
  }
}

function copyObject(value: object, what: string, depth: number): JsonValue {
  assertDepth(depth, what);
  if (Array.isArray(value)) return value.map((item) => copy(item, what, depth + 1));
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  // fromEntries defines properties, so that one named "__proto__" is a property like any other.
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copy(member, what, depth + 1)]));
}

const constants = ["NaN", "Infinity", "-Infinity"];

/** The text with `null` in place of Python's constants, but not within strings. */
function withoutConstants(text: string): string {
  let result = "";
  let copied = 0;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (char === '"') {
      index = endOfString(text, index);
    } else if (char === "N" || char === "I" || char === "-") {
      const constant = constants.find((word) => text.startsWith(word, index));
      if (constant === undefined) continue;
      result += `${text.slice(copied, index)}null`;
      copied = index + constant.length;
      index = copied - 1;
    }
  }
  return result + text.slice(copied);
}

/** Where the closing quotation mark of a string is; the end of the text when there is none. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '"') return index;
    if (text[index] === "\\") index++;
  }
  return text.length;
}
