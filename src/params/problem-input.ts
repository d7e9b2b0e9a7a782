const maxLength = 200;

/**
 * What came, as a 422 shows it: a string cut at 200 characters, another value as it is if its JSON has at most 200
 * characters, else that JSON cut.
 */
export function toProblemInput(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "string") return cut(value);
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? String(value) : value;
  if (value instanceof File) return { name: cut(value.name), type: cut(value.type), size: value.size };
  const text = writeJson(value, maxLength + 1);
  return text.length > maxLength ? cut(text) : value;
}

/** JSON up to about `maxChars` characters: a body of megabytes is not written out once for each of its problems. */
function writeJson(value: unknown, maxChars: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, maxChars));
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof File) return JSON.stringify(toProblemInput(value));
  const isList = Array.isArray(value);
  let text = isList ? "[" : "{";
  for (const key of Object.keys(value)) {
    if (text.length >= maxChars) return text;
    if (text.length > 1) text += ",";
    if (!isList) text += `${JSON.stringify(key.slice(0, maxChars))}:`;
    text += writeJson((value as Record<string, unknown>)[key], maxChars - text.length);
  }
  return text + (isList ? "]" : "}");
}

/** The first 200 characters, without half of a surrogate pair at the end. */
function cut(text: string): string {
  if (text.length <= maxLength) return text;
  const last = text.charCodeAt(maxLength - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxLength - 1 : maxLength);
}
