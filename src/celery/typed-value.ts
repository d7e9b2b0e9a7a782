import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

/**
 * A value with strings in place of the typed values of kombu 5.3 and later, `{"__type__": "decimal", "__value__": "1.10"}`.
 *
 * A datetime, date or time becomes its ISO form, a decimal its digits, a UUID its form with dashes, bytes their text, or their
 * base64 when they are no text. Those of a type that kombu does not know by itself stay as they are. What is handed on to another
 * task must not be decoded: Python would get a string where it had sent a datetime.
 */
export function decodeTypedValues(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => decodeTypedValues(item));
  if (!isJsonObject(value)) return value;
  // fromEntries defines properties, so that one named "__proto__" is a property like any other.
  const decoded: JsonObject = Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, decodeTypedValues(member)]),
  );
  return textOf(decoded) ?? decoded;
}

function textOf(value: JsonObject): string | undefined {
  const { ["__type__"]: type, ["__value__"]: content } = value;
  if (type === undefined || content === undefined || Object.keys(value).length !== 2) return undefined;
  switch (type) {
    case "datetime":
    case "date":
    case "time":
    case "decimal":
    case "bytes":
    case "base64":
      return typeof content === "string" ? content : undefined;
    case "uuid":
      return uuidText(content);
    default:
      return undefined;
  }
}

function uuidText(value: JsonValue): string | undefined {
  const hex = isJsonObject(value) ? value.hex : value;
  if (typeof hex !== "string") return undefined;
  const digits = /^([\da-f]{8})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{12})$/i.exec(hex);
  return digits?.slice(1).join("-").toLowerCase();
}
