/**
 * What is wrong with a text that `JSON.parse` has refused, and where: `expected "," or "}" at line 2, column 10`.
 *
 * V8's own message has the place only at times, and repeats parts of the text, which may be secret.
 */
export function explainJsonError(text: string): string {
  const { at, expected } = findError(text);
  const before = text.slice(0, at).split("\n");
  const place = `line ${before.length}, column ${before.at(-1)!.length + 1}`;
  return at >= text.length ? `expected ${expected}, but it ends at ${place}` : `expected ${expected} at ${place}`;
}

interface JsonError {
  readonly at: number;
  readonly expected: string;
}

/** What may stand next. */
type Expected = "value" | "value or ]" | "key" | "key or }" | "colon" | "more";

const expectations: Readonly<Record<Exclude<Expected, "more">, string>> = {
  value: "a value",
  "value or ]": 'a value or "]"',
  key: "a key in double quotes",
  "key or }": 'a key in double quotes or "}"',
  colon: '":"',
};

const space = /[ \t\n\r]*/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const escape = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/** One pass without recursion, so that no depth is too deep. */
function findError(text: string): JsonError {
  const open: ("[" | "{")[] = [];
  let expected = "value" as Expected;
  for (let at = match(space, text, 0); ; at = match(space, text, at)) {
    const char = text[at];
    const inside = open.at(-1);
    if (expected === "more") {
      if (inside === undefined) return { at, expected: "the end of the body" };
      if (char === (inside === "[" ? "]" : "}")) open.pop();
      else if (char === ",") expected = inside === "[" ? "value" : "key";
      else return { at, expected: inside === "[" ? '"," or "]"' : '"," or "}"' };
      at++;
    } else if (expected === "colon") {
      if (char !== ":") return { at, expected: expectations.colon };
      expected = "value";
      at++;
    } else if ((expected === "value or ]" && char === "]") || (expected === "key or }" && char === "}")) {
      open.pop();
      expected = "more";
      at++;
    } else if (char === '"') {
      const end = endOfString(text, at + 1);
      if (text[end] !== '"') return { at: end, expected: stringExpectation(text, end) };
      expected = expected === "key" || expected === "key or }" ? "colon" : "more";
      at = end + 1;
    } else if (expected === "key" || expected === "key or }") {
      return { at, expected: expectations[expected] };
    } else if (char === "[" || char === "{") {
      open.push(char);
      expected = char === "[" ? "value or ]" : "key or }";
      at++;
    } else {
      const end = match(scalar, text, at);
      if (end === at) return { at, expected: expectations[expected] };
      expected = "more";
      at = end;
    }
  }
}

/** Where the inside of a string ends: at its closing quote, else at what is wrong with it. */
function endOfString(text: string, at: number): number {
  while (at < text.length && text[at] !== '"' && text.charCodeAt(at) >= 0x20) {
    const next = text[at] === "\\" ? match(escape, text, at) : at + 1;
    if (next === at) break;
    at = next;
  }
  return at;
}

function stringExpectation(text: string, at: number): string {
  if (at >= text.length) return "the closing quote of a string";
  return text[at] === "\\" ? "a valid escape" : "an escape in place of a control character";
}

/** Where a sticky pattern that starts at `at` stops matching. */
function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}
