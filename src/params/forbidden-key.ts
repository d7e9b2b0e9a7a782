/**
 * The first key that would reach an object's prototype if the value were merged into another object: `__proto__`, or
 * `constructor` with an object that has `prototype`. As a path in quotes: `"items.0.__proto__"`.
 *
 * The text is searched first, which costs nearly nothing: only when it has such a word, or an escape that may hide one,
 * the value is walked.
 */
export function findForbiddenKey(text: string, value: unknown): string | undefined {
  if (!text.includes("__proto__") && !text.includes("constructor") && !text.includes("\\u00")) return undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const waiting: Place[] = [{ value, key: "", parent: undefined }];
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    for (const [key, member] of Object.entries(place.value as object)) {
      if (typeof member === "object" && member !== null) waiting.push({ value: member, key, parent: place });
      if (key === "__proto__" || (key === "constructor" && hasPrototype(member)))
        return formatPath({ value: member, key, parent: place });
    }
  }
  return undefined;
}

/** An object or array on the way, with its way back. */
interface Place {
  readonly value: unknown;
  readonly key: string;
  readonly parent: Place | undefined;
}

function hasPrototype(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

function formatPath(place: Place): string {
  const keys: string[] = [];
  for (let at: Place = place; at.parent; at = at.parent) keys.unshift(at.key);
  return JSON.stringify(keys.join(".").slice(-100));
}
