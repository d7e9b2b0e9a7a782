import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";

/** So many bytes of JSON the arguments of a job, or its result, may have. */
export const maxJsonBytes = 262_144;

/**
 * The JSON text of a job's arguments.
 *
 * @param task - its name, for the error
 * @throws {AfterwordError} with code `unserializable_arguments`, naming the place of the first value that JSON would lose,
 *   or `arguments_too_large`
 */
export function argumentsToJson(args: readonly unknown[], task: string): string {
  // An optional parameter that was given as undefined is as good as absent.
  const last = args.findLastIndex((arg) => arg !== undefined);
  const given = last === args.length - 1 ? args : args.slice(0, last + 1);
  const text = toJson(given, (place, value) => {
    throw new AfterwordError(
      "unserializable_arguments",
      `Task "${task}" was called with something that JSON cannot keep: argument ${place} is ${describe(value)}. ${advice(value)}`,
    );
  });
  assertSize(text, (bytes) => {
    throw new AfterwordError(
      "arguments_too_large",
      `The arguments of task "${task}" are ${bytes} bytes of JSON, and at most ${maxJsonBytes} are stored. Keep the data in a file, a database or an object store, and pass its key.`,
    );
  });
  return text;
}

/**
 * The JSON text of a job's result; `undefined` becomes `null`.
 *
 * @throws {AfterwordError} with code `unserializable_result` or `result_too_large`
 */
export function resultToJson(result: unknown, task: string): string {
  if (result === undefined) return "null";
  const text = toJson([result], (place, value) => {
    const where = place === "1" ? "is" : `has at ${place.replace(/^1/, "result")}`;
    throw new AfterwordError(
      "unserializable_result",
      `What task "${task}" returned cannot be kept as JSON: it ${where} ${describe(value)}. ${advice(value)}`,
    );
  }).slice(1, -1);
  assertSize(text, (bytes) => {
    throw new AfterwordError(
      "result_too_large",
      `What task "${task}" returned is ${bytes} bytes of JSON, and at most ${maxJsonBytes} are stored. Keep the data in a file, a database or an object store, and return its key.`,
    );
  });
  return text;
}

/** Told of a value that JSON cannot keep, and its place: `2.user.born`. Must throw. */
type Refuse = (place: string, value: unknown) => never;

function toJson(values: readonly unknown[], refuse: Refuse): string {
  try {
    for (let index = 0; index < values.length; index++) check(values[index], `${index + 1}`, refuse, 0);
    return JSON.stringify(values);
  } catch (error) {
    if (error instanceof AfterwordError) throw error;
    // A getter, a proxy or a toJSON that throws, or a text longer than V8 can hold.
    throw new AfterwordError(
      "unserializable_arguments",
      `The values could not be written as JSON: ${formatValue(error)}.`,
      { cause: error },
    );
  }
}

/** Deeper than this nobody nests data on purpose, but circles do. */
const maxDepth = 200;

function check(value: unknown, place: string, refuse: Refuse, depth: number): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) refuse(place, value);
      return;
    case "object":
      if (value === null) return;
      if (depth > maxDepth) refuse(place, value);
      if (Array.isArray(value)) {
        for (let index = 0; index < value.length; index++) check(value[index], `${place}[${index}]`, refuse, depth + 1);
        return;
      }
      if (!isPlain(value) || typeof (value as { toJSON?: unknown }).toJSON === "function") refuse(place, value);
      for (const key of Object.keys(value)) {
        const member = (value as Record<string, unknown>)[key];
        // JSON leaves it out, and reading a property that is not there gives undefined again.
        if (member !== undefined) check(member, place + formatKey(key), refuse, depth + 1);
      }
      return;
    default:
      refuse(place, value);
  }
}

/** A record of this or another realm, or one without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

function formatKey(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function describe(value: unknown): string {
  if (value === undefined) return "undefined";
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    if (isPlain(value))
      return typeof (value as { toJSON?: unknown }).toJSON === "function"
        ? "an object with a toJSON method"
        : "nested too deeply, or contains itself";
    const name: unknown = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } }).constructor?.name;
    return typeof name === "string" && name !== "" ? `a ${name} (${formatValue(value, 60)})` : formatValue(value, 60);
  }
  if (Array.isArray(value)) return "nested too deeply, or contains itself";
  return typeof value === "function" ? formatValue(value, 60) : `the ${typeof value} ${formatValue(value, 60)}`;
}

function advice(value: unknown): string {
  if (value === undefined) return "Pass null instead.";
  if (value instanceof Date) return "Pass its ISO string, date.toISOString(), and make a Date of it in the task.";
  if (typeof value === "bigint") return "Pass it as a string.";
  if (typeof value === "number") return "Pass null or a string instead.";
  if (value instanceof Map || value instanceof Set) return "Pass an array of its entries: [...value].";
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
    return "Keep the bytes in a file or an object store and pass its key, or pass them as a base64 string.";
  if (typeof value === "function") return "A job may run in another process: pass data only.";
  return "Pass a plain object with the data that the task needs.";
}

function assertSize(text: string, refuse: (bytes: number) => never): void {
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (text.length * 3 <= maxJsonBytes) return;
  const bytes = Buffer.byteLength(text);
  if (bytes > maxJsonBytes) refuse(bytes);
}
