import type { ControlRequest } from "./control.ts";

/** Whether a request asks the node of that name. A pattern that cannot be read asks nobody. */
export function isAddressedTo(nodename: string, request: ControlRequest): boolean {
  const { destination, pattern, matcher } = request;
  if (pattern !== undefined && matcher !== undefined) return matches(nodename, pattern, matcher);
  // An empty list asks everybody, as in kombu.
  return destination === undefined || destination.length === 0 || destination.includes(nodename);
}

function matches(nodename: string, pattern: string, matcher: string): boolean {
  try {
    switch (matcher) {
      case "glob":
        return new RegExp(`^${globToPattern(pattern)}$`, "s").test(nodename);
      case "pcre":
        return new RegExp(`^(?:${pattern})`).test(nodename);
      default:
        return false;
    }
  } catch {
    return false;
  }
}

/** `*` any text, `?` any character, `[a-z]` one of some, `[!a-z]` any other. */
function globToPattern(glob: string): string {
  return glob.replaceAll(
    /\[(!?)(\]?[^\]]*)\]|[^]/g,
    (part: string, not: string | undefined, set: string | undefined) => {
      if (set !== undefined && set !== "") return `[${not === "!" ? "^" : ""}${set.replaceAll(/[\\\]^[]/g, "\\$&")}]`;
      if (part === "*") return ".*";
      if (part === "?") return ".";
      return part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    },
  );
}
