/** JSON that the server's parser takes: half of a surrogate pair, which JavaScript allows in texts, is an error to it. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "string" ? each.toWellFormed() : each));
}
