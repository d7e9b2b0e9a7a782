import { isJsonObject, type JsonValue } from "./json.ts";

/** An exception as Python's `repr` shows it: `KeyError('again')`. */
export function reprException(type: string, args: readonly JsonValue[]): string {
  return `${type}(${args.map((arg) => pythonRepr(arg)).join(", ")})`;
}

/** What Python's `repr` gives for a value; all of it. Whole numbers are shown as `int`. */
export function pythonRepr(value: JsonValue): string {
  if (typeof value === "string") return reprString(value);
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => pythonRepr(item)).join(", ")}]`;
  if (isJsonObject(value))
    return `{${Object.entries(value)
      .map(([key, member]) => `${reprString(key)}: ${pythonRepr(member)}`)
      .join(", ")}}`;
  return reprScalar(value as null | boolean | number);
}

/** What Python's `str` gives for a value. */
export function pythonStr(value: JsonValue): string {
  return typeof value === "string" ? value : pythonRepr(value);
}

/** `None`, `True`, a number. */
export function reprScalar(value: null | boolean | number): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return reprNumber(value);
}

function reprNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  // Python turns to exponents below 1e-4, JavaScript below 1e-6.
  const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : `${value}`;
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

function reprString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll(/[\\\p{C}\p{Zl}\p{Zp}\p{Zs}']/gu, (char) => {
    if (char === " " || (char === "'" && quote === '"')) return char;
    if (char === "'") return "\\'";
    return escapes[char] ?? escapeCode(char.codePointAt(0)!);
  });
  return quote + escaped + quote;
}

function escapeCode(code: number): string {
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x1_0000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
