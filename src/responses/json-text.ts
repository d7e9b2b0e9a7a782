import { AfterwordError } from "../internal/afterword-error.ts";
import { formatValue } from "../internal/format-value.ts";

/**
 * A value as JSON; `undefined` is `null`, as a function that returns nothing is answered.
 *
 * @throws {AfterwordError} with code `unserializable_response`, keeping the error of `JSON.stringify` as its cause
 */
export function toJsonText(value: unknown): string {
  if (value === undefined) return "null";
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw unserializable(value, error);
  }
  // A function, a symbol, or an object whose `toJSON` gives nothing.
  if (text === undefined) throw unserializable(value, undefined);
  return text;
}

function unserializable(value: unknown, cause: unknown): AfterwordError {
  const { key, type } = whereItFails(value);
  const where = key === "" ? formatValue(value) : `the value of ${JSON.stringify(key)} in ${formatValue(value)}`;
  const mending =
    type === "bigint"
      ? "JSON has no bigint: convert it with String() or Number() first"
      : type === "function" || type === "symbol"
        ? `JSON has no ${type}: return what it stands for`
        : "Return plain data: objects that do not contain themselves, arrays, strings, numbers, booleans and null, or give the class a toJSON() method";
  const reason = cause instanceof Error ? ` (${cause.message.split("\n")[0]})` : "";
  return new AfterwordError(
    "unserializable_response",
    `A response cannot be written as JSON because of ${where}${reason}. ${mending}.`,
    cause === undefined ? {} : { cause },
  );
}

/** The last property that `JSON.stringify` looked at is the one at which it stopped. */
function whereItFails(value: unknown): { key: string; type: string } {
  let key = "";
  let type: string = typeof value;
  try {
    JSON.stringify(value, (visited: string, inner: unknown) => {
      key = visited;
      type = typeof inner;
      return inner;
    });
  } catch {
    return { key, type };
  }
  return { key: "", type: typeof value };
}
